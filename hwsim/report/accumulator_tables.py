"""An accumulator analysis as tables of words: what the terminal and the page both show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hwsim.report.engineering import NOTHING, area, engineering

if TYPE_CHECKING:
    from hwsim.engine.accumulator_numbers import Error
    from hwsim.engine.accumulator_registers import Option
    from hwsim.engine.accumulator_sample import Sample
    from hwsim.engine.accumulators import AccumulatorAnalysis, LayerNumbers, RegisterNumbers

_BELOW = (1, 2, 4)
"""Bits less than the partial sums need, for the errors shown."""
_FLOATS = ("e8m13", "e8m10", "e8m7", "e5m10")
_MORE_FLOATS = ("e8m23", "e8m16", *_FLOATS)


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; the first ``words`` columns are words, the others numbers."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    words: int = 1


def tables(analysis: AccumulatorAnalysis) -> list[Table]:
    """For each register its widths and its errors; last what the widths cost."""
    found = []
    for index, register in enumerate(analysis.layers[0].registers):
        title = _title(analysis, index)
        if register.bounds is None:
            found.append(_floats(title, analysis.layers, index))
        else:
            found += [_widths(title, analysis.layers, index), _errors(analysis.layers, index)]
    return [*found, _costs(analysis)]


def _title(analysis: AccumulatorAnalysis, index: int) -> str:
    name = analysis.layers[0].registers[index].name
    spelled = analysis.layers[0].present.accumulator.split(" into ")[index]
    k = max(layer.registers[index].k for layer in analysis.layers)
    what = {"inner": f", sums of up to {k} products", "outer": ", adds the sums of the inner one"}.get(name, "")
    return f"{'Accumulator' if name == 'accumulator' else f'{name.capitalize()} accumulator'}: {spelled}{what}"


# Integer operands -------------------------------------------------------------------------------------


def _widths(title: str, layers: Sequence[LayerNumbers], index: int) -> Table:
    heads = ("Bits needed", "K", "Data types", "L1 (A2Q)", "A2Q+", "Any input", "Partial", "Final")
    return Table(title, heads, [(layer.name, *_width_cells(layer, layer.registers[index])) for layer in layers])


def _width_cells(layer: LayerNumbers, register: RegisterNumbers) -> Iterable[str]:
    bounds = register.bounds
    assert bounds is not None
    yield from (str(register.k), str(bounds.data_type))
    if layer.weights:
        yield from (str(bounds.l1), str(bounds.a2q_plus) if bounds.zero_centred else f"({bounds.a2q_plus})")
        yield str(bounds.any_input)
    else:
        yield from (NOTHING, NOTHING, NOTHING)
    yield from (str(register.partial_bits), str(register.final_bits))


def _errors(layers: Sequence[LayerNumbers], index: int) -> Table:
    heads = ("SQNR in dB", *(f"{kind} −{less}" for kind in ("sat.", "wrap") for less in _BELOW), *_FLOATS, "Enough")
    rows = []
    for layer in layers:
        register = layer.registers[index]
        by_kind = {(each.kind, each.bits): each for each in register.curve}
        named = {each.accumulator: each for each in register.curve}
        needed = {"saturate": register.partial_bits or 0, "wrap": register.final_bits or 0}
        cells = [decibels(by_kind.get((kind, bits - less))) for kind, bits in needed.items() for less in _BELOW]
        rows.append((layer.name, *cells, *(decibels(named.get(name)) for name in _FLOATS), register.enough or NOTHING))
    return Table("", heads, rows)


# Floats -----------------------------------------------------------------------------------------------


def _floats(title: str, layers: Sequence[LayerNumbers], index: int) -> Table:
    heads = ("SQNR in dB", "K", "Operands", "Exact", "On data", *_MORE_FLOATS, "Enough")
    rows = []
    for layer in layers:
        register = layer.registers[index]
        named = {each.accumulator: each for each in register.curve}
        words = [NOTHING if word is None else f"{word.bits} b" for word in (layer.kulisch_formats, layer.kulisch_data)]
        operands = NOTHING if layer.operand_sqnr_db is None else f"{layer.operand_sqnr_db:.1f}"
        errors = (decibels(named.get(name)) for name in _MORE_FLOATS)
        rows.append((layer.name, str(register.k), operands, *words, *errors, register.enough or NOTHING))
    return Table(title, heads, rows)


def decibels(error: Error | None) -> str:
    """SQNR without its unit; what cannot be said as a number in a word."""
    if error is None:
        return NOTHING
    if error.sqnr_db is not None:
        return f"{error.sqnr_db:.1f}".replace("-0.0", "0.0").replace("-", "−")
    return "exact" if error.changed == 0 else "inf" if error.rel_l2 is None else NOTHING


# Costs ------------------------------------------------------------------------------------------------


def _costs(analysis: AccumulatorAnalysis) -> Table:
    heads = ("Register", "For", "Accumulator", "Area", "Energy", "Lane area", "Lane energy")
    rows = []
    first: dict[str, Option] = {}
    for option in analysis.options:
        present = first.setdefault(option.register, option)
        rows.append((
            option.register if present is option else "",
            option.label, option.accumulator, area(option.area_m2), engineering(option.energy_j, "J"),
            _change(option.lane_area_m2, present.lane_area_m2), _change(option.lane_energy_j, present.lane_energy_j),
        ))  # fmt: skip
    return Table(f"What a width costs: area per lane and energy per MAC, {analysis.technology}", heads, rows, words=3)


def _change(value: float, reference: float) -> str:
    if value == reference or not reference:
        return NOTHING
    return f"{100 * (value / reference - 1):+.1f} %".replace("-", "−")


# Words ------------------------------------------------------------------------------------------------


def notes(analysis: AccumulatorAnalysis) -> list[str]:
    """What the columns mean, and what was looked at."""
    whole = analysis.layers[0].registers[0].bounds is not None
    options = [option.label for option in analysis.options]
    priced = [_INTEGER_OPTIONS] if "data, wrapping" in options else []
    return [*(_INTEGER_NOTES if whole else _FLOAT_NOTES), *_NOTES, *priced, *_samples(analysis.layers)]


_INTEGER_NOTES = (
    "Partial: two's complement bits of every running sum, in the order in which the datapath adds. Final: of the last "
    "one alone, which is all that must fit where overflow wraps (sums modulo 2^P). K: products in one sum.",
    "L1 is also A2Q's bound (arXiv:2308.13504). A2Q+ (arXiv:2401.10432) holds for weights that sum to zero in every "
    "column; (…): these do not. Any input: exact for these weights.",
    "sat. −2: two bits less than Partial, saturating; wrap −2: than Final, wrapping.",
)
_INTEGER_OPTIONS = (
    "data: no bit of these sums changes. any input: guaranteed with these weights (with data types where both operands "
    "are activations). data types: guaranteed with any weights."
)
_FLOAT_NOTES = (
    "Operands: SQNR of the exact sums of the rounded operands. Exact: bits of a fixed-point word that holds any sum of "
    "such operands (Kulisch); On data: of these. K: products in one sum.",
)
_NOTES = (
    "SQNR is against exact sums of the same operands, with this accumulator alone. Enough: the narrowest float tried "
    "(8 exponent bits, or the register's own) whose noise is 10 dB below that of rounding the operands.",
)


def _samples(layers: Sequence[LayerNumbers]) -> list[str]:
    lines = []
    for what, samples in (
        ("Partial and final sums", [layer.followed for layer in layers]),
        ("Errors", [layer.tried for layer in layers]),
    ):
        parts = [
            f"{layer.name} {_counted(sample)}"
            for layer, sample in zip(layers, samples, strict=True)
            if not sample.whole
        ]
        lines.append(f"{what} are from all of every product." if not parts else f"{what}: {'; '.join(parts)}.")
    return lines


def _counted(sample: Sample) -> str:
    columns = f", {sample.columns:,} of {sample.all_columns:,} columns" if sample.columns < sample.all_columns else ""
    return f"{sample.kept:,} of {sample.total:,} {sample.unit}{columns}"


def finite(value: float | None) -> bool:
    """Whether a figure can show it."""
    return value is not None and math.isfinite(value)
