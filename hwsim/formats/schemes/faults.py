"""Bit errors in stored codes: by bit position, or by the state of a multi-level cell; and a backup of the sign.

Whether bit i of element j flips depends on the seed, i and j only, so neither the chunks nor the order in which a
tensor is disturbed matter: pass the position of a chunk's first element as ``first``.

A 2-bit cell (multi-level cell, MLC) holds bits 2c + 1 and 2c of a code, hard bit first. Writing the hard bit of an MLC
STT-RAM cell writes the soft bit to the same value, so that states 01 and 10 take a second step, which may fail and
leave 00 and 11 (Hsieh et al., TSE: Two-Step Elimination for MLC STT-RAM Last-Level Cache, IEEE Trans. Computers,
2021, abstract). Errors thus depend on content; the rates are *assumed*.

The backup: weights normalized to [−1, 1] leave the top exponent bit of half precision unused; it takes a copy of the
most significant bit, the sign, so the first cell is 00 or 11 (Jasemi, Hessabi, Bagherzadeh, Reliable and Energy
Efficient MLC STT-RAM Buffer for CNN Accelerators, Computers & Electrical Engineering 86, 2020, arXiv:2001.08806,
abstract). *Assumed*: what is read where the two bits differ is the sign, as it is stored in the hard bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwsim.base.errors import InputError
from hwsim.formats.arrays import Array
from hwsim.formats.float import FloatFormat
from hwsim.formats.schemes.randomness import WORD_BITS, below, philox_words

CELL_STREAM = 64
"""Cell c draws from stream 64 + c, bit i from stream i."""
ASSUMED_RATE = 0.02
"""Probability that the second step of a write fails: *assumed*, to be replaced by a device's own."""


def threshold(rate: float) -> int:
    """How many of the 2**64 values of a random word mean an error: ``⌊rate · 2**64⌋``; `InputError` outside [0, 1]."""
    if not 0 <= rate <= 1:
        raise InputError(f"expected an error rate from 0 to 1, got {rate}")
    return int(Fraction(rate) * (1 << WORD_BITS))


def flip_bits(codes: ArrayLike, bits: int, rates: float | Sequence[float], seed: int, first: int = 0) -> Array:
    """``codes`` with bits flipped: bit i with probability ``rates[i]`` (least significant first), or all with one rate.

    Elements count in C order from ``first``. Raises `InputError` for codes wider than ``bits``, rates outside [0, 1]
    or not one per bit, and a negative seed.
    """
    values = _checked(codes, bits)
    given = np.asarray(rates, np.float64)
    each = given.tolist() if given.ndim else [float(given)] * bits
    if len(each) != bits:
        raise InputError(f"expected 1 or {bits} error rates, got {len(each)}")
    mask = np.zeros(values.size, np.uint64)
    for bit, limit in enumerate(map(threshold, each)):
        if limit:
            flips = below(philox_words(seed, bit, first, values.size), limit)
            mask |= flips.astype(np.uint64) << np.uint64(bit)
    disturbed: Array = values ^ mask.reshape(values.shape).astype(values.dtype)
    return disturbed


@dataclass(frozen=True)
class MultiLevelCell:
    """A cell of two bits: for each of its states 00, 01, 10, 11 the chance of an error and the state that it leaves."""

    error_rates: tuple[float, float, float, float] = (0.0, ASSUMED_RATE, ASSUMED_RATE, 0.0)
    """Probability per state that what is read is another one."""
    becomes: tuple[int, int, int, int] = (0b01, 0b00, 0b11, 0b10)
    """That other state: by default the one with the soft (low) bit flipped."""

    def __post_init__(self) -> None:
        if len(self.error_rates) != 4 or len(self.becomes) != 4:
            raise InputError("a cell of two bits has 4 error rates and 4 states that it may become")
        for rate in self.error_rates:
            threshold(rate)
        for state, other in enumerate(self.becomes):
            if not 0 <= other <= 3 or other == state:
                raise InputError(f"state {state:02b} of a cell has to become another of its states, got {other}")


def disturb_cells(codes: ArrayLike, bits: int, cell: MultiLevelCell, seed: int, first: int = 0) -> Array:
    """``codes`` read back from cells of two bits, each with the error of its own state.

    Elements count in C order from ``first``. Raises `InputError` for an odd width, codes wider than that and a
    negative seed.
    """
    values = _checked(codes, bits)
    if bits % 2:
        raise InputError(f"cells of two bits need codes of an even width, got {bits} bits")
    flat = values.reshape(-1).astype(np.uint64)
    mask = np.zeros(flat.size, np.uint64)
    for index in range(bits // 2):
        words = philox_words(seed, CELL_STREAM + index, first, flat.size)
        states = (flat >> np.uint64(2 * index)) & np.uint64(3)
        for state, (rate, other) in enumerate(zip(cell.error_rates, cell.becomes, strict=True)):
            wrong = (states == state) & below(words, threshold(rate))
            mask[wrong] |= np.uint64((state ^ other) << (2 * index))
    disturbed: Array = values ^ mask.reshape(values.shape).astype(values.dtype)
    return disturbed


def cell_states(codes: ArrayLike, bits: int) -> NDArray[np.int64]:
    """How many cells of two bits hold 00, 01, 10 and 11; `InputError` for an odd width or codes wider than that."""
    values = _checked(codes, bits)
    if bits % 2:
        raise InputError(f"cells of two bits need codes of an even width, got {bits} bits")
    counts = np.zeros(4, np.int64)
    for index in range(bits // 2):
        states = (values.reshape(-1).astype(np.uint64) >> np.uint64(2 * index)) & np.uint64(3)
        counts += np.bincount(states.astype(np.int64), minlength=4)
    return counts


def back_up_sign(codes: ArrayLike, fmt: FloatFormat) -> Array:
    """``codes`` of values whose top exponent bit is 0, that bit replaced by the sign.

    With the bias of IEEE 754 these are the values below 2 in magnitude, [−1, 1] among them. Raises `InputError` if
    the top exponent bit of a code is set or the format has no sign.
    """
    values = _checked(codes, fmt.bits)
    sign, backup = _first_cell(fmt)
    if (values & values.dtype.type(backup)).any():
        raise InputError(f"the top exponent bit of {fmt} is in use: values do not lie in [−1, 1]")
    stored: Array = values | (values & values.dtype.type(sign)) >> values.dtype.type(1)
    return stored


def restore_sign(codes: ArrayLike, fmt: FloatFormat) -> tuple[Array, NDArray[np.bool_]]:
    """Codes without their backup, and where the backup disagreed with the sign, which is an error that was seen."""
    values = _checked(codes, fmt.bits)
    sign, backup = _first_cell(fmt)
    first_cell = values & values.dtype.type(sign | backup)
    mismatch = (first_cell != 0) & (first_cell != values.dtype.type(sign | backup))
    return values & ~values.dtype.type(backup), mismatch


def _first_cell(fmt: FloatFormat) -> tuple[int, int]:
    if not isinstance(fmt, FloatFormat) or not fmt.signed:
        raise InputError(f"{fmt} is no float format, or has no sign to back up")
    return fmt.sign_code, fmt.sign_code >> 1


def _checked(codes: ArrayLike, bits: int) -> Array:
    values = np.asarray(codes)
    if not 1 <= bits <= 64:
        raise InputError(f"expected codes of 1 to 64 bits, got {bits}")
    if values.dtype.kind not in "iu" or (values.size and (values.min() < 0 or int(values.max()) >> bits)):
        raise InputError(f"expected codes of {bits} bits")
    return values.astype(np.min_scalar_type((1 << bits) - 1))
