"""What one matrix product asks of an accumulator: bounds, needed bits, and error against width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from hwsim.datapath import Datapath
from hwsim.datapath import accumulator_bounds as bounds
from hwsim.datapath.accumulators.integer import IntegerAccumulator
from hwsim.datapath.partial_sums import Extremes, exact_datapath
from hwsim.datapath.reductions.exact import product_range
from hwsim.engine.accumulator_registers import Register, spelled, tried
from hwsim.formats.base import Format

Codes = tuple[np.ndarray, np.ndarray]
"""Operand codes a [.., M, K] and b [.., K, N], k in the datapath's order."""


@dataclass(frozen=True)
class Bounds:
    """Widths of an integer register in bits (see `hwsim.datapath.accumulator_bounds`)."""

    data_type: int
    l1: int
    """A2Q: the width that ‖w‖₁ asks for."""
    a2q_budget: float | None
    """‖w‖₁ that A2Q allows at the register's present width; None where it is a float."""
    largest_l1: int
    over_budget: int | None
    """Sums, one for each column of weights, whose ‖w‖₁ is larger than that."""
    columns: int
    a2q_plus: int
    zero_centred: bool
    """Whether every column sums to zero, without which `a2q_plus` promises nothing."""
    any_input: int
    """Exact for these weights and any inputs of their format."""

    def joined(self, other: Bounds) -> Bounds:
        """Of two parts of one product, which pass through the same register."""
        over = None if self.over_budget is None or other.over_budget is None else self.over_budget + other.over_budget
        widest = {name: max(getattr(self, name), getattr(other, name)) for name in _WIDEST}
        centred = self.zero_centred and other.zero_centred
        return Bounds(**widest, a2q_budget=self.a2q_budget, over_budget=over,
                      columns=self.columns + other.columns, zero_centred=centred)  # fmt: skip


_WIDEST = ("data_type", "l1", "largest_l1", "a2q_plus", "any_input")


@dataclass(frozen=True)
class Error:
    """Sums with one accumulator against exact sums."""

    accumulator: str
    bits: int
    kind: str
    """``wrap``, ``saturate``, the exponent bits of a float (``e8``, ``e5``), ``present`` for the datapath as it is."""
    sqnr_db: float | None
    """None where no sum differs, or where the error is not finite."""
    rel_l2: float | None
    """None where it is not finite."""
    changed: int
    """Sums that are not exact."""
    sums: int
    events: int
    """Additions whose result left the register's range."""


def column_bounds(register: Register, weights: np.ndarray) -> Bounds:
    """`Bounds` of integers ``weights`` [.., K, N], each chunk of an inner register a column of its own."""
    columns = _columns(weights, register.products(weights.shape[-2]))
    a, b = register.datapath.operands.a, register.datapath.operands.b
    norms = bounds.column_norms(columns)
    largest = int(norms.max(initial=0))
    held = register.accumulator
    budget = bounds.a2q_budget(held.bits, a.bits, a.signed) if isinstance(held, IntegerAccumulator) else None
    return Bounds(
        data_type=bounds.data_type_bound(columns.shape[0], a.bits, b.bits, a.signed, b.signed),
        l1=bounds.l1_bound(largest, a.bits, a.signed),
        a2q_budget=None if budget is None else float(budget),
        largest_l1=largest,
        over_budget=None if budget is None else int((norms > math.floor(budget)).sum()),
        columns=norms.size,
        a2q_plus=bounds.a2q_plus_bound(largest, a.bits),
        zero_centred=not columns.sum(axis=0).any(),
        any_input=bounds.needed_bits(*bounds.worst_sums(columns, *_integer_range(a))),
    )


def _columns(weights: np.ndarray, every: int) -> np.ndarray:
    """[.., K, N] as [every, columns], the last chunk filled with zeros."""
    k, every = weights.shape[-2], max(every, 1)
    pad = [(0, 0)] * (weights.ndim - 2) + [(0, -k % every), (0, 0)]
    chunks = np.pad(weights, pad).reshape(-1, every, weights.shape[-1])
    return np.moveaxis(chunks, 1, 0).reshape(every, -1)


def integers(fmt: Format, codes: np.ndarray) -> np.ndarray:
    """Codes of an integer or fixed-point format in units of its last place, int64."""
    return fmt.unpack(codes).significand.astype(np.int64)


def _integer_range(fmt: Format) -> tuple[int, int]:
    scale = Fraction(fmt.smallest)
    return int(Fraction(fmt.min) / scale) if fmt.signed else 0, int(Fraction(fmt.max) / scale)


# Floats -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FixedPoint:
    """A word that holds all sums of float products exactly: a Kulisch accumulator."""

    low: int
    """Exponent of its last place."""
    bits: int
    """Two's complement."""


def kulisch_of_formats(datapath: Datapath, k: int) -> FixedPoint:
    """For any operands: from the lowest product's last place to the highest, ⌈log2 k⌉ carries and a sign."""
    low, high = product_range(datapath.operands.a, datapath.operands.b, datapath.multiplier)
    return FixedPoint(low, high - low + max(k - 1, 0).bit_length() + 1)


def kulisch_of_data(datapath: Datapath, codes: Codes, found: Extremes) -> FixedPoint | None:
    """For these operands. None where some are not finite, or where there is nothing but zeros.

    The last place is that of the lowest set bit of any product: odd times odd is odd, so lowest bits add. The
    top is the largest partial sum; ``found`` has it from float64 within 4k·2^−53 times k·max|a|·max|b|, which is
    added: the word is never too narrow, and a bit too wide only where the sum is that near to a power of two.
    """
    a, b = (fmt.decode(x) for fmt, x in zip((datapath.operands.a, datapath.operands.b), codes, strict=True))
    k, bound = a.shape[-1], float(np.abs(a).max(initial=0)) * float(np.abs(b).max(initial=0))
    largest = max(abs(value) for value in found.partial)
    low = _lowest_place(datapath, *codes)
    if low is None or largest == 0 or not math.isfinite(largest + k * bound):
        return None
    return FixedPoint(low, math.frexp(largest + 4 * k * 2.0**-53 * k * bound)[1] - low + 1)


def _lowest_place(datapath: Datapath, a: np.ndarray, b: np.ndarray) -> int | None:
    if datapath.multiplier.kind != "exact":
        return product_range(datapath.operands.a, datapath.operands.b, datapath.multiplier)[0]
    left = _lowest_bits(datapath.operands.a, a).min(axis=-2, initial=_NO_BIT)
    right = _lowest_bits(datapath.operands.b, b).min(axis=-1, initial=_NO_BIT)
    both = (left < _NO_BIT) & (right < _NO_BIT)
    return int((left + right)[both].min()) if both.any() else None


_NO_BIT = 1 << 20
"""Above every exponent."""


def _lowest_bits(fmt: Format, codes: np.ndarray) -> np.ndarray:
    """Exponent of each value's lowest set bit; `_NO_BIT` for zeros, infinities and NaN."""
    parts = fmt.unpack(codes)
    lowest = parts.significand & -parts.significand
    places = np.frexp(lowest.astype(np.float64))[1] - 1 + parts.exponent
    return np.where(lowest == 0, _NO_BIT, places)


# Errors -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """Operands with a sum of their own: all of a product, or one group of its k."""

    registers: Sequence[Register]
    """Those of the datapath that adds them."""
    codes: Codes


def error_curve(index: int, parts: Sequence[Part], most_bits: int | None) -> list[Error]:
    """Each accumulator that can be tried in the register at ``index``, alone, on all ``parts`` of a product."""
    exact = [_exact(part) for part in parts]
    curve = []
    for accumulator in tried(parts[0].registers[index], most_bits):
        datapaths = [part.registers[index].alone(accumulator) for part in parts]
        if found := [datapath for datapath in datapaths if datapath is not None]:
            curve.append(_error(found, _named(accumulator), parts, exact))
    return curve


def present_error(parts: Sequence[Part]) -> Error:
    """The datapath as it is, all registers and the output at once."""
    datapaths = [part.registers[0].datapath for part in parts]
    name = " into ".join(spelled(register.accumulator) for register in parts[0].registers)
    return _error(datapaths, (name, 0, "present"), parts, [_exact(part) for part in parts])


def _exact(part: Part) -> np.ndarray:
    """Exact sums as float64 values."""
    datapath = exact_datapath(part.registers[0].datapath)
    return _values(datapath, datapath.matmul_codes(*part.codes).codes)


def _error(
    datapaths: Sequence[Datapath], named: tuple[str, int, str], parts: Sequence[Part], exact: Sequence[np.ndarray]
) -> Error:
    noise = signal = 0.0
    changed = events = 0
    for datapath, part, wanted in zip(datapaths, parts, exact, strict=True):
        result = datapath.matmul_codes(*part.codes)
        got = _values(datapath, result.codes)
        with np.errstate(all="ignore"):  # an overflow to infinity is an answer here
            noise, signal = noise + float(np.square(got - wanted).sum()), signal + float(np.square(wanted).sum())
        changed += int((got != wanted).sum())
        events += result.overflows + result.saturations
    finite = math.isfinite(noise) and math.isfinite(signal) and signal > 0
    sqnr = 10 * math.log10(signal / noise) if finite and noise > 0 else None
    relative = math.sqrt(noise / signal) if finite else None
    return Error(*named, sqnr, relative, changed, sum(each.size for each in exact), events)


def _values(datapath: Datapath, codes: np.ndarray) -> np.ndarray:
    """Codes of sums as float64 values; of an integer accumulator without output its int64 sums."""
    fmt = datapath.result_format
    if codes.dtype == np.int64 and datapath.output is None:
        return codes * float(fmt.smallest)
    return fmt.decode(codes).astype(np.float64)


def _named(accumulator: dict[str, Any]) -> tuple[str, int, str]:
    if accumulator["kind"] == "integer":
        return f"int{accumulator['bits']} {accumulator['overflow']}", accumulator["bits"], accumulator["overflow"]
    exponent, mantissa = accumulator["format"][1:].split("m")
    return accumulator["format"], 1 + int(exponent) + int(mantissa), f"e{exponent}"
