"""What passes through the registers of a datapath, against plain Python integers and fractions."""

from fractions import Fraction

import numpy as np
import pytest

from hwsim.datapath import Datapath
from hwsim.datapath import partial_sums as module
from hwsim.datapath.accumulator_bounds import needed_bits
from hwsim.datapath.partial_sums import exact_datapath, extremes, sums_of

REDUCTIONS = [
    "sequential", {"kind": "fused", "lanes": 3, "align_bits": 13}, {"kind": "exact", "lanes": 4},
    {"kind": "tree", "lanes": 4}, "exact",
]  # fmt: skip


def followed(datapath, a, b):
    """Registers' values after every addition, output by output: [inner, outer] or [only one]."""
    chunked = datapath.accumulator.kind == "chunked"
    k = a.shape[1]
    every = datapath.accumulator.every if chunked else k
    lanes = datapath.reduction.lanes_of(k)
    partial, final = [[0], [0]], [[0], [0]]
    for row in a.tolist():
        for column in b.T.tolist():
            products = [x * y for x, y in zip(row, column, strict=True)]
            outer = 0
            for first in range(0, k, every):
                chunk, inner = products[first : first + every], 0
                for block in range(0, len(chunk), lanes):
                    inner += sum(chunk[block : block + lanes])
                    partial[0].append(inner)
                final[0].append(inner)
                outer += inner
                partial[1].append(outer)
            final[1].append(outer)
    return [((min(p), max(p)), (min(f), max(f))) for p, f in zip(partial, final, strict=True)][: 1 + chunked]


def operands(seed, k, shape=(4, 5)):
    random = np.random.default_rng(seed)
    m, n = shape
    return random.integers(-128, 128, (m, k)), random.integers(-128, 128, (k, n))


def codes(x):
    return x.astype(np.uint8)


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=str)
@pytest.mark.parametrize("accumulator", ["int32", {"every": 5, "into": "int40", "inner": "int30"}], ids=str)
@pytest.mark.parametrize("k", [1, 5, 13])
def test_extremes_are_those_of_python_integers(reduction, accumulator, k):
    datapath = Datapath(operands={"a": "int8", "b": "int8"}, reduction=reduction, accumulator=accumulator)
    a, b = operands(k, k)
    found = extremes(datapath, codes(a), codes(b))
    assert [(each.partial, each.final) for each in found] == followed(datapath, a, b)
    assert all(isinstance(value, int) for each in found for value in (*each.partial, *each.final))


def test_strips_and_batches_change_nothing(monkeypatch):
    datapath = Datapath(operands={"a": "int8", "b": "int8"}, accumulator={"every": 4, "into": "int32"})
    pairs = [operands(seed, 11) for seed in range(3)]
    a, b = (codes(np.stack([pair[side] for pair in pairs])) for side in (0, 1))
    whole = extremes(datapath, a, b)
    monkeypatch.setattr(module, "STRIP", 6)
    assert extremes(datapath, a, b) == whole
    one_by_one = [followed(datapath, *pair) for pair in pairs]
    for register, found in enumerate(whole):
        assert found.partial == (
            min(each[register][0][0] for each in one_by_one), max(each[register][0][1] for each in one_by_one)
        )  # fmt: skip


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=str)
def test_needed_bits_are_enough_and_one_less_is_not(reduction):
    a, b = operands(7, 24, (16, 16))

    def sums(bits, overflow):
        datapath = Datapath(
            operands={"a": "int8", "b": "int8"}, reduction=reduction, accumulator={"bits": bits, "overflow": overflow}
        )
        return datapath.matmul_codes(codes(a), codes(b))

    wide = Datapath(operands={"a": "int8", "b": "int8"}, reduction=reduction, accumulator="int40")
    (found,) = extremes(wide, codes(a), codes(b))
    partial, final = needed_bits(*found.partial), needed_bits(*found.final)
    assert final <= partial
    exact = a @ b
    assert (sums(partial, "saturate").codes == exact).all() and sums(partial, "saturate").saturations == 0
    assert (sums(partial, "wrap").codes == exact).all() and sums(partial, "wrap").overflows == 0
    assert (sums(final, "wrap").codes == exact).all()  # whatever wrapped on the way came back
    assert sums(partial - 1, "saturate").saturations > 0
    assert (sums(final - 1, "wrap").codes != exact).any()


def test_wide_integers_go_through_the_datapath():
    datapath = Datapath(operands={"a": "int30", "b": "int24"}, accumulator="int62")
    a, b = np.array([[2**29 - 1, -(2**29), 5]]), np.array([[2**23 - 1], [-(2**23)], [-1]])
    (found,) = extremes(datapath, a & (2**30 - 1), b & (2**24 - 1))
    assert found.final[1] == (2**29 - 1) * (2**23 - 1) + 2**52 - 5
    assert found.partial[1] == found.final[1] + 5


def test_fixed_point_counts_last_places():
    datapath = Datapath(operands={"a": "q4.4", "b": "q4.4"}, accumulator="int20")
    (found,) = extremes(datapath, np.array([[16, 24]]), np.array([[16], [240]]))  # 1·1 + 1.5·(−1)
    assert (found.partial, found.final) == ((-128, 256), (-128, 0))


def test_floats_are_followed_as_values():
    datapath = Datapath(operands={"a": "e4m3fn", "b": "e4m3fn"}, accumulator={"every": 2, "into": "fp32"})
    fmt = datapath.operands.a
    a, b = fmt.encode(np.array([[448.0, -448.0, 2.0**-9]])), fmt.encode(np.array([[448.0], [448.0], [2.0**-9]]))
    inner, outer = extremes(datapath, a, b)
    assert inner.partial == (0, 448.0**2) and outer.partial == (0, 2.0**-18)


def test_exact_sums_of_floats_are_rounded_once():
    random = np.random.default_rng(3)
    datapath = Datapath(operands={"a": "fp16", "b": "bf16"}, accumulator="fp16", output={"format": "fp16"})
    a = datapath.operands.a.encode(random.normal(size=(3, 40)))
    b = datapath.operands.b.encode(random.normal(size=(40, 2)))
    x, y = datapath.operands.a.decode(a), datapath.operands.b.decode(b)
    wanted = [
        [
            float(sum(Fraction(float(p)) * Fraction(float(q)) for p, q in zip(row, column, strict=True)))
            for column in y.T
        ]
        for row in x
    ]
    assert sums_of(exact_datapath(datapath), a, b).tolist() == wanted
