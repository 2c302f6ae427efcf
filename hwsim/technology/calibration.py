"""The price list of a node: fits to its published table, and what the table lacks brought from another node.

One anchoring for all: every unit, float adders and multipliers included, is a count of the same few terms, and these
are fitted to the table's rows, each given what was fitted before it:

1. full adder: energy and area per bit of the integer adders;
2. multiplier array: energy and area of the integer multipliers;
3. NAND2 (and with it multiplexers, XORs, half adders by their cells' ratios): energy of the float adders and
   multipliers, of which 1 and 2 explain the arrays and carry chains. Its *area* is the full adder's by the cells'
   ratio and the float rows' areas are left as a check: cells that explain their energies to 20 % explain 20 to 60 %
   of their areas, so that what is missing is not in the counts (pipelining and sizing for speed; the source says
   neither). Were it put on the gates, a multiplexer would be larger than a full adder.

45 nm and 7 nm have tables. 7 nm has no areas: those of 45 nm are scaled by the published factor.
Every other node is the 45 nm list scaled. The register bit is published at 40 nm and scaled from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from hwsim.technology import gates
from hwsim.technology.fitting import Fit, Quantity, fit
from hwsim.technology.primitives import FloatAdder, FloatMultiplier, IntegerAdder, IntegerMultiplier, Primitive
from hwsim.technology.published import ALADDIN, ALADDIN_REGISTER_BIT, DALLY, Published, rows
from hwsim.technology.records import Price
from hwsim.technology.scaling import VOLTAGE_V, area_factor, energy_factor, rule


@dataclass(frozen=True)
class Form:
    """Which terms of which rows are fitted, for energy and for area; the other terms are known before."""

    name: str
    primitives: tuple[type[Primitive], ...]
    energy_terms: tuple[str, ...]
    area_terms: tuple[str, ...]


# In this order: the float units contain the adder bits and the arrays that the first two forms price.
FORMS = (
    Form("integer_adder", (IntegerAdder,), ("full_adder",), ("full_adder",)),
    Form(
        "integer_multiplier",
        (IntegerMultiplier,),
        ("integer_multiplier_cell", "integer_multiplier_depth"),
        ("integer_multiplier_cell", "integer_multiplier_edge"),
    ),
    Form("float_unit", (FloatMultiplier, FloatAdder), ("nand2",), ()),
)


@cache
def fits(node_nm: int, quantity: Quantity) -> Mapping[str, Fit]:
    """Form name to `Fit`, for the forms of which ``node_nm`` has published rows of ``quantity``."""
    known: dict[str, float] = {}
    found: dict[str, Fit] = {}
    for form in FORMS:
        published = [row for row in _rows_of(form, rows(node_nm)) if getattr(row, quantity) is not None]
        if published:
            terms = form.energy_terms if quantity == "energy_j" else form.area_terms
            found[form.name] = fit(published, quantity, terms, known)
            known.update(found[form.name].coefficients)
        if quantity == "area_m2" and "full_adder" in known:
            known["nand2"] = known["full_adder"] / gates.FULL_ADDER_AREA
    return found


def prices_from_table(node_nm: int) -> dict[str, Price]:
    """Prices of a node with a table of its own; raises `KeyError` for a node without one."""
    energies = fits(node_nm, "energy_j")
    areas = fits(node_nm, "area_m2")
    area_nm = node_nm if areas else 45
    areas = areas or fits(45, "area_m2")
    factor = area_factor(area_nm, node_nm)
    carried = "" if area_nm == node_nm else rule(area_nm, node_nm, factor)
    found = {
        price.term: price.scaled(1, factor, "", carried)
        for form in FORMS
        for price in _fitted(form, energies[form.name], areas[form.name], rows(node_nm), rows(area_nm))
    }
    return _completed(found, node_nm, VOLTAGE_V)


def prices_by_scaling(node_nm: int, voltage_v: float = VOLTAGE_V, from_nm: int = 45) -> dict[str, Price]:
    """The price list of ``from_nm``, fitted terms scaled to ``node_nm`` and ``voltage_v``."""
    energy = energy_factor(from_nm, node_nm, VOLTAGE_V, voltage_v)
    area = area_factor(from_nm, node_nm)
    words = rule(from_nm, node_nm, energy, voltage_v), "" if from_nm == node_nm else rule(from_nm, node_nm, area)
    fitted = {term for form in FORMS for term in (*form.energy_terms, *form.area_terms)}
    found = {
        term: replace(price, delay_s=None).scaled(energy, area, *words)
        for term, price in prices_from_table(from_nm).items()
        if term in fitted
    }
    return _completed(found, node_nm, voltage_v)


def statuses(node_nm: int) -> dict[str, str]:
    """What the units that the table has rows of miss by: class name to the residuals of energy and area."""
    areas_nm = node_nm if fits(node_nm, "area_m2") else 45
    found: dict[str, str] = {}
    for form in FORMS:
        for kind in form.primitives:
            energy = _status(form, kind, node_nm, "energy_j")
            area = _status(form, kind, areas_nm, "area_m2")
            found[kind.__name__] = f"energy {energy}; area {area if areas_nm == node_nm else f'scaled ({area})'}"
    return found


def _status(form: Form, kind: type[Primitive], node_nm: int, quantity: Quantity) -> str:
    result = fits(node_nm, quantity)[form.name]
    own = [row.name for row in rows(node_nm) if isinstance(row.primitive, kind)]
    return result.status(*(name for name in own if name in result.residuals))


def _fitted(
    form: Form, energy: Fit, area: Fit, energy_rows: Sequence[Published], area_rows: Sequence[Published]
) -> list[Price]:
    """A price for each term of a form; a term that only energy or only area has costs nothing of the other."""
    energy_source = _sources(form, energy_rows)
    named = ", ".join(row.name for row in _rows_of(form, area_rows))
    area_source = f"fit to areas of {named} ({DALLY})"
    return [
        Price(
            term,
            energy.coefficients.get(term, 0.0),
            area.coefficients.get(term, 0.0),
            energy_source,
            area_source,
            energy.status(),
            area.status(),
        )
        for term in dict.fromkeys((*form.energy_terms, *form.area_terms))
    ]


def _rows_of(form: Form, published: Sequence[Published]) -> list[Published]:
    return [row for row in published if isinstance(row.primitive, form.primitives)]


def _sources(form: Form, published: Sequence[Published]) -> str:
    own = _rows_of(form, published)
    # One table per node: its short name is the shortest of the row sources.
    table = min((row.energy_source for row in own), key=len)
    return f"fit to {own[0].node_nm} nm energies of {', '.join(row.name for row in own)} ({table})"


def _completed(found: dict[str, Price], node_nm: int, voltage_v: float) -> dict[str, Price]:
    """Add the gates, tied to the NAND2, and the register bit of 40 nm."""
    full_adder = found["full_adder"]
    nand2 = replace(
        found["nand2"],
        area_m2=full_adder.area_m2 / gates.FULL_ADDER_AREA,
        area_source=f"{gates.SOURCE}, 1/{gates.FULL_ADDER_AREA:g} of a full adder ({full_adder.area_source})",
        area_status=f"ratio read; full adder {full_adder.area_status}",
    )
    found.update((price.term, price) for price in gates.prices(nand2, node_nm))
    energy, area = energy_factor(40, node_nm, VOLTAGE_V, voltage_v), area_factor(40, node_nm)
    here = node_nm == 40
    words = "" if here and voltage_v == VOLTAGE_V else rule(40, node_nm, energy, voltage_v)
    source = f"{ALADDIN}, 40 nm"
    register = Price("register_bit", *ALADDIN_REGISTER_BIT, source, source, "read", "read")
    return found | {"register_bit": register.scaled(energy, area, words, "" if here else rule(40, node_nm, area))}
