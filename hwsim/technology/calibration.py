"""The price list of a node: fits to its published table, and what the table lacks brought from another node.

45 nm and 7 nm have tables. 7 nm has no areas: those of 45 nm are scaled by the published factor.
Every other node is the 45 nm list scaled. Register and comparator bits are published at 40 nm and scaled from there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from hwsim.technology import gates
from hwsim.technology.fitting import Fit, Quantity, fit
from hwsim.technology.primitives import FloatAdder, FloatMultiplier, IntegerAdder, IntegerMultiplier, Primitive
from hwsim.technology.published import ALADDIN, ALADDIN_COMPARATOR_BIT, ALADDIN_REGISTER_BIT, DALLY, Published, rows
from hwsim.technology.records import Price
from hwsim.technology.scaling import VOLTAGE_V, area_factor, energy_factor, rule


@dataclass(frozen=True)
class Form:
    """Which terms of a primitive are fitted, for its energy and for its area; its other terms are known before."""

    name: str
    primitive: type[Primitive]
    energy_terms: tuple[str, ...]
    area_terms: tuple[str, ...]


# In this order: the float units contain the adder bits that the first form prices.
FORMS = (
    Form("integer_adder", IntegerAdder, ("integer_adder_bit",), ("integer_adder_bit",)),
    Form(
        "integer_multiplier",
        IntegerMultiplier,
        ("integer_multiplier_cell", "integer_multiplier_depth"),
        ("integer_multiplier_cell", "integer_multiplier_edge"),
    ),
    Form(
        "float_multiplier",
        FloatMultiplier,
        ("float_multiplier_cell", "float_multiplier_bit"),
        ("float_multiplier_cell", "float_multiplier_bit"),
    ),
    Form(
        "float_adder",
        FloatAdder,
        ("float_adder_shift", "float_adder_bit"),
        ("float_adder_shift", "float_adder_bit"),
    ),
)


@cache
def fits(node_nm: int, quantity: Quantity) -> Mapping[str, Fit]:
    """Form name to `Fit`, for the forms of which ``node_nm`` has published rows of ``quantity``."""
    known: dict[str, float] = {}
    found: dict[str, Fit] = {}
    for form in FORMS:
        published = [row for row in rows(node_nm) if isinstance(row.primitive, form.primitive)]
        published = [row for row in published if getattr(row, quantity) is not None]
        if published:
            terms = form.energy_terms if quantity == "energy_j" else form.area_terms
            found[form.name] = fit(published, quantity, terms, known)
            known.update(found[form.name].coefficients)
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
    words = rule(from_nm, node_nm, energy), rule(from_nm, node_nm, area)
    fitted = {term for form in FORMS for term in (*form.energy_terms, *form.area_terms)}
    found = {
        term: price.scaled(energy, area, *words) for term, price in prices_from_table(from_nm).items() if term in fitted
    }
    return _completed(found, node_nm, voltage_v)


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
            energy.status,
            area.status,
        )
        for term in dict.fromkeys((*form.energy_terms, *form.area_terms))
    ]


def _rows_of(form: Form, published: Sequence[Published]) -> list[Published]:
    return [row for row in published if isinstance(row.primitive, form.primitive)]


def _sources(form: Form, published: Sequence[Published]) -> str:
    own = _rows_of(form, published)
    # One table per node: its short name is the shortest of the row sources.
    table = min((row.energy_source for row in own), key=len)
    return f"fit to {own[0].node_nm} nm energies of {', '.join(row.name for row in own)} ({table})"


def _completed(found: dict[str, Price], node_nm: int, voltage_v: float) -> dict[str, Price]:
    """Add the gates, tied to the adder bit, and the register and comparator bits of 40 nm."""
    found.update((price.term, price) for price in gates.prices(found["integer_adder_bit"], node_nm))
    energy, area = energy_factor(40, node_nm, VOLTAGE_V, voltage_v), area_factor(40, node_nm)
    words = ("", "") if node_nm == 40 else (rule(40, node_nm, energy), rule(40, node_nm, area))
    for term, per_bit in (("register_bit", ALADDIN_REGISTER_BIT), ("comparator_bit", ALADDIN_COMPARATOR_BIT)):
        source = f"{ALADDIN}, 40 nm"
        found[term] = Price(term, *per_bit, source, source, "read", "read").scaled(energy, area, *words)
    return found
