"""Integer accumulators at the ends of their words and of the kernels' carriers, against the golden model."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hwsim.base.errors import HwsimError
from hwsim.datapath import Datapath
from hwsim.formats import get
from hwsim.golden import datapath as golden

WIDTHS = (2, 3, 31, 32, 33, 61, 62, 63, 64)
OPERANDS = (("int8", "uint8"), ("int16", "int16"), ("uint16", "uint16"), ("int32", "uint30"))


def agree(accumulator: dict[str, Any], operands: tuple[str, str], a: Any, b: Any, c: Any = None, **more: Any) -> None:
    """Kernel and golden model give the same sums and counts, or both trap."""
    datapath = Datapath(operands=dict(zip("ab", operands, strict=True)), accumulator=accumulator, **more)
    a, b = (np.asarray(x, np.int64) for x in (a, b))
    start = None if c is None else np.asarray(c, np.int64)
    try:
        expected, events = golden.matmul(datapath, a.tolist(), b.tolist(), None if c is None else start.tolist())
    except HwsimError:
        with pytest.raises(HwsimError, match="traps"):
            datapath.matmul_codes(a, b, start)
        return
    result = datapath.matmul_codes(a, b, start)
    assert result.codes.tolist() == expected
    assert (result.overflows, result.saturations) == (events.overflows, events.saturations)


def extremes(name: str) -> tuple[int, int]:
    return get(name).min_code, get(name).max_code  # type: ignore[attr-defined]


@pytest.mark.parametrize("overflow", ["wrap", "saturate", "trap"])
@pytest.mark.parametrize("operands", OPERANDS)
@pytest.mark.parametrize("bits", WIDTHS)
def test_extreme_products_onto_extreme_sums(bits: int, operands: tuple[str, str], overflow: str) -> None:
    end = 1 << (bits - 1)
    for x in extremes(operands[0]):
        for y in extremes(operands[1]):
            for c in (end - 1, -end, 0):
                agree({"bits": bits, "overflow": overflow}, operands, [[x, x, 1]], [[y], [y], [1]], [[c]])


@pytest.mark.parametrize("lanes", [2, 3])
@pytest.mark.parametrize("overflow", ["wrap", "saturate"])
@pytest.mark.parametrize("bits", WIDTHS)
def test_blocks_of_extreme_products(bits: int, overflow: str, lanes: int) -> None:
    """Exact blocks of int16 products reach beyond 32 bits, so the carrier may not be int32."""
    reduction = {"kind": "tree", "lanes": lanes}
    a, b = [[-(1 << 15)] * 7, [(1 << 15) - 1] * 7], [[-(1 << 15)]] * 7
    agree({"bits": bits, "overflow": overflow}, ("int16", "int16"), a, b, reduction=reduction)
    agree({"bits": bits, "overflow": overflow}, ("int16", "int16"), a, b, reduction="exact")


@pytest.mark.parametrize("overflow", ["wrap", "saturate"])
@pytest.mark.parametrize("bits", [29, 30, 31, 32])
def test_either_side_of_the_narrow_carrier(bits: int, overflow: str) -> None:
    """Largest product + 2**(bits − 1) just below and just above 2**31, where int32 words end."""
    room = (1 << 31) - (1 << (bits - 1))
    for product in {room - 1, room, room // 2} - {0}:
        if product >= 1 << 31:
            continue
        for sign in (1, -1):
            a = [[sign * product, sign * product, -sign, sign * product]]
            agree({"bits": bits, "overflow": overflow}, ("int32", "int2"), a, [[1]] * 4)


@pytest.mark.parametrize("overflow", ["wrap", "saturate"])
@pytest.mark.parametrize("inner", [62, 63, 64])
@pytest.mark.parametrize("outer", WIDTHS)
def test_sums_of_chunks_wider_than_the_outer_word(outer: int, inner: int, overflow: str) -> None:
    for every in (1, 4, 8):
        accumulator = {
            "every": every,
            "inner": {"bits": inner, "overflow": overflow},
            "into": {"bits": outer, "overflow": overflow},
        }
        for x in extremes("int32"):
            agree(accumulator, ("int32", "uint30"), [[x] * 17], [[(1 << 30) - 1]] * 17)


@pytest.mark.parametrize("bits", [20, 24, 33, 40, 53])
@pytest.mark.parametrize("output", ["fp32", "fp16", "q4.4", "int8", "uint8"])
def test_fixed_point_sums_leave_with_one_rounding(bits: int, output: str) -> None:
    generator = np.random.default_rng(bits)
    end = 1 << (bits - 1)
    c = [[int(generator.integers(-end, end)) >> int(generator.integers(0, bits)) for _ in range(5)] for _ in range(4)]
    a, b = generator.integers(-128, 128, (4, 3)), generator.integers(-128, 128, (3, 5))
    c_format = f"q{bits - 8}.8"
    datapath = Datapath(
        operands={"a": "q4.4", "b": "q4.4", "c": c_format},
        accumulator={"bits": bits, "overflow": "saturate"},
        output={"format": output},
    )
    expected, events = golden.matmul(datapath, a.tolist(), b.tolist(), c)
    result = datapath.matmul_codes(a, b, np.array(c))
    assert result.codes.tolist() == expected
    assert (result.overflows, result.saturations) == (events.overflows, events.saturations)


@pytest.mark.parametrize("bits", [54, 62, 64])
@pytest.mark.parametrize("output", ["fp32", "fp16", "int8", "int54", "int62", "uint62"])
def test_integer_sums_wider_than_doubles_leave_with_one_rounding(bits: int, output: str) -> None:
    """Sums just beside a tie of fp32 or a limit of the output, which float64 cannot tell apart."""
    near = [(1 << 24) + 1 << 30, (1 << 24) + 1, 65520, 1 << 53, 1 << 61, 1 << 62, 1 << 53 - 1, (1 << 62) - 1]
    end = 1 << (bits - 1)
    starts = [sign * x + step for x in near for sign in (1, -1) for step in (-1, 0, 1)]
    c = [[min(max(x, -end), end - 1)] for x in starts]
    datapath = Datapath(
        operands={"a": "int8", "b": "int8", "c": f"int{bits}"}, accumulator={"bits": bits}, output={"format": output}
    )
    ones = np.zeros((len(c), 1), np.int8)
    expected, events = golden.matmul(datapath, ones.tolist(), [[0]], c)
    result = datapath.matmul_codes(ones, np.zeros((1, 1), np.int8), np.array(c))
    assert result.codes.tolist() == expected
    assert (result.overflows, result.saturations) == (events.overflows, events.saturations)
