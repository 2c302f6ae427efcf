"""The page of the documentation that says how far the prices are from everything published: residuals, row by row.

``python -m hwsim.report.cost_page docs/costs_calibration.md`` (``make docs``) writes it; a test compares.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from hwsim import technology
from hwsim.datapath import Datapath
from hwsim.datapath.int_versus_fp import PAIRS, SHARED, UNITS
from hwsim.report.calibration_reasons import reason
from hwsim.report.calibration_rows import LIMIT
from hwsim.report.calibration_rows import rows as rows_of_all
from hwsim.technology import (
    Comparator,
    FloatAdder,
    FloatMultiplier,
    IntegerAdder,
    IntegerMultiplier,
    LeadingZeroCounter,
    Primitive,
    Rounder,
    Shifter,
    Technology,
)
from hwsim.technology.calibration import FORMS, fits
from hwsim.technology.fitting import Quantity
from hwsim.technology.published import rows

NODES = ("45nm", "7nm")
PRICED = ("full_adder", "integer_multiplier_cell", "integer_multiplier_depth", "integer_multiplier_edge", "nand2")
DEPTHS: tuple[Primitive, ...] = (
    IntegerAdder(8), IntegerAdder(32), IntegerMultiplier(4, 4), IntegerMultiplier(8, 8), IntegerMultiplier(24, 24),
    Shifter(27, 27), LeadingZeroCounter(33), Comparator(8), Rounder(24), FloatAdder(5, 11), FloatAdder(8, 24),
    FloatMultiplier(5, 11), FloatMultiplier(8, 24),
)  # fmt: skip


def _lane(operand: str, accumulator: str, **others: object) -> Datapath:
    fields = {"operands": {"a": operand, "b": operand}, "accumulator": accumulator, **others}
    return Datapath.model_validate(fields)


LANES = {
    "INT8, INT32 sums": _lane("int8", "int32"),
    "INT4, INT24 sums": _lane("int4", "int24"),
    "FP8 (E4M3), fused L = 32, F = 25": _lane(
        "e4m3fn", "fp32", reduction={"kind": "fused", "lanes": 32, "align_bits": 25}
    ),
    "FP8 (E4M3), fused L = 32, F = 13": _lane(
        "e4m3fn", "fp32", reduction={"kind": "fused", "lanes": 32, "align_bits": 13}
    ),
    "FP4 (E2M1), fused L = 64, F = 13": _lane(
        "e2m1fn", "fp32", reduction={"kind": "fused", "lanes": 64, "align_bits": 13}
    ),
    "FP8 (E4M3), FP32 multiply-add": _lane("e4m3fn", "fp32"),
    "BF16, FP32 multiply-add": _lane("bf16", "fp32"),
    "FP16, FP16 multiply-add": _lane("fp16", "fp16"),
    "FP32, FP32 multiply-add": _lane("fp32", "fp32"),
}


def page() -> str:
    """The whole page in Markdown."""
    parts = [
        "# What the prices are fitted to, and what they miss\n",
        "`make docs` writes this page from the code (`hwsim/report/cost_page.py`); a test compares. How to read it:\n"
        "[energy and area](costs.md).\n",
        "## Prices\n",
        _prices(),
        "## Residuals\n",
        "Model over published row, less one. *fitted*: the row is among those that its terms were fitted to;\n"
        "*held out*: it is predicted. 7 nm has no published areas.\n",
        *(_residuals(node) for node in NODES),
        "## Every published number\n",
        "What the sources say against the model, whether the model was fitted to it, interpolates it or never saw it.\n"
        "Errors of more than 20 % have their reason beside them.\n",
        _every_number(),
        "## INT v.s. FP\n",
        "Ratios of the multiply-accumulate units of arXiv:2510.25602 (table 5), from its own counts (table 6) and the\n"
        "prices above. *lanes only* leaves out what the lanes share, of which the paper prints no counts;\n"
        "*shared to match* is what the shared parts would have to cost per lane to give the published ratio\n"
        "(*none can*: the lanes alone are above it already).\n",
        *(_pairs(technology.get(node)) for node in NODES),
        "Energy of a lane (fJ) and its area (µm²) by component:\n",
        *(_components(technology.get(node)) for node in NODES),
        "## Gate delays\n",
        "Logic depth in delays of a NAND2, without wires, fan-out, registers or pipelining.\n",
        _table(
            ("primitive", "gate delays"),
            ((f"`{_spelled(item)}`", f"{item.gate_delays():.1f}") for item in DEPTHS),
        ),
        "## Whole lanes\n",
        "`Datapath.cost`: one multiply-accumulate, one lane, and the longest way from operand to result.\n",
        _lanes(),
    ]
    return "\n".join(parts)


def _spelled(primitive: Primitive) -> str:
    widths = [str(value) for name, value in vars(primitive).items() if not (name == "sum_bits" and value == 0)]
    return f"{type(primitive).__name__}({', '.join(widths)})"


def _table(head: Sequence[str], body: Iterable[Sequence[str]], words: int = 0) -> str:
    """A table whose first column and last ``words`` columns are text."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1 - words) + ["---"] * words, *body]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _prices() -> str:
    head = ["term", *(f"{node}, {unit}" for node in NODES for unit in ("fJ", "µm²"))]
    found = [technology.get(node).prices for node in NODES]
    body = [
        [f"`{term}`", *(f"{v:.4g}" for own in found for v in (own[term].energy_j * 1e15, own[term].area_m2 * 1e12))]
        for term in PRICED
    ]
    return _table(head, body)


def _residuals(node: str) -> str:
    tech = technology.get(node)
    head = ("row", "published, pJ", "model", "residual", "", "published, µm²", "model", "residual", "")
    body = []
    for row in rows(tech.node_nm):
        cost = tech.cost(row.primitive)
        energy = _missed(row.energy_j * 1e12, cost.energy_j * 1e12, _use(row.name, tech.node_nm, "energy_j"))
        area = ["", "", "", ""]
        if row.area_m2 is not None:
            area = _missed(row.area_m2 * 1e12, cost.area_m2 * 1e12, _use(row.name, tech.node_nm, "area_m2"))
        body.append([row.name, *energy, *area])
    return f"{node}:\n\n" + _table(head, body)


def _every_number() -> str:
    head = ("number", "published", "model", "error", "status", "source", "reason")
    found, groups = rows_of_all(), []
    for group in dict.fromkeys(row.group for row in found):
        body = []
        for row in found:
            if row.group == group:
                unit = "" if row.unit == "1" else f" {row.unit}"
                amounts = (f"{row.published:.4g}{unit}", f"{row.model:.4g}{unit}", f"{row.error:+.1%}")
                why = reason(row.key) if abs(row.error) > LIMIT else ""
                body.append((f"{row.name}, {row.quantity}", *amounts, row.status, row.source, why))
        groups.append(f"{group[:1].upper()}{group[1:]}:\n\n" + _table(head, body, words=3))
    return "\n".join(groups)


def _missed(published: float, model: float, use: str) -> list[str]:
    return [f"{published:.4g}", f"{model:.3g}" if model < 100 else f"{model:.0f}", f"{model / published - 1:+.1%}", use]


def _use(name: str, node_nm: int, quantity: Quantity) -> str:
    row = next(row for row in rows(node_nm) if row.name == name)
    form = next(form for form in FORMS if isinstance(row.primitive, form.primitives))
    fitted = fits(node_nm, quantity)[form.name].coefficients and not row.held_out
    return "fitted" if fitted else "held out"


def _pairs(tech: Technology) -> str:
    head = (f"{tech.name}", "", "published", "here", "residual", "lanes only", "shared", "shared to match")
    body = []
    for pair in PAIRS:
        here, missed, bare = pair.ratios(tech), pair.residuals(tech), pair.residuals(tech, shared=False)
        match, shared = pair.shared_that_would_match(tech), pair.shared(tech)
        for i, (word, scale, unit) in enumerate((("energy", 1e15, "fJ"), ("area", 1e12, "µm²"))):
            amounts = [f"{v * scale:.3g} {unit}" if v > 0 else "none can" for v in (shared[i], match[i])]
            ratios = [f"{pair.published[i]:.3f}", f"{here[i]:.3f}", f"{missed[i]:+.1%}", f"{bare[i]:+.1%}"]
            body.append([pair.name, word, *ratios, *(amounts if pair.same_scale else ["", ""])])
    return _table(head, body)


def _components(tech: Technology) -> str:
    costs = {unit.name: unit.cost(tech) for unit in UNITS}
    names = list(dict.fromkeys(name for cost in costs.values() for name in cost.area_m2 if name not in SHARED))
    body = []
    for name in (*names, *SHARED):
        cells = [
            f"{cost.energy_per_mac_j[name] * 1e15:.3g} / {cost.area_m2[name] * 1e12:.3g}"
            if name in cost.area_m2
            else ""
            for cost in costs.values()
        ]
        body.append([name, *cells])
    return _table((tech.name, *costs), body)


def _lanes() -> str:
    head = ("lane", *(f"{node}, {unit}" for node in NODES for unit in ("fJ", "µm²")), "gate delays", "of which")
    body = []
    for name, datapath in LANES.items():
        costs = [datapath.cost(node) for node in NODES]
        amounts = [
            f"{value:.3g}" if value < 100 else f"{value:.0f}"
            for cost in costs
            for value in (cost.total_energy_per_mac_j * 1e15, cost.total_area_m2 * 1e12)
        ]
        path = ", ".join(f"{part} {delays:.1f}" for part, delays in costs[0].critical_path.items())
        body.append((name, *amounts, f"{costs[0].critical_path_gates:.1f}", path))
    return _table(head, body)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
