"""Multipliers of another structure: their partial products add up, over every pair of codes, and cost their cycles."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from hwsim.datapath import Datapath
from hwsim.datapath.codes import code, values
from hwsim.datapath.multiplier import Multiplier
from hwsim.datapath.multipliers.abfloat import AbfloatMultiplier, pair
from hwsim.datapath.multipliers.bipolar import BipolarMultiplier
from hwsim.datapath.multipliers.booth import BoothMultiplier
from hwsim.datapath.multipliers.exact import ExactMultiplier
from hwsim.datapath.multipliers.lut import LutMultiplier
from hwsim.datapath.multipliers.lut_group import LutGroupMultiplier
from hwsim.datapath.multipliers.serial import SerialMultiplier
from hwsim.datapath.multipliers.shift import ShiftMultiplier
from hwsim.datapath.multipliers.shift_add import ShiftAddMultiplier, nonzero_digits
from hwsim.datapath.multipliers.slices import SlicesMultiplier
from hwsim.datapath.parts import Part, cost_of
from hwsim.datapath.products import factors
from hwsim.datapath.structure import ExactStructure, Word, digits, word
from hwsim.formats import get
from hwsim.golden import olive

INTEGERS = [("int4", "int4"), ("uint5", "int3"), ("int6", "uint4"), ("q2.3", "uq1.3")]
FLOATS = [("e2m1fn", "e3m2fn"), ("e4m3fn", "int4"), ("e3m4", "e2m1fn")]
CASES: list[tuple[ExactStructure, list[tuple[str, str]]]] = [
    *((BoothMultiplier(radix=radix), INTEGERS + FLOATS) for radix in (4, 8)),
    *((SerialMultiplier(digit_bits=d, serial=s), INTEGERS + FLOATS) for d in (1, 2, 3) for s in ("a", "b", "both")),
    *((SlicesMultiplier(slice_bits=s, fp16=True), INTEGERS + FLOATS) for s in (1, 2, 4)),
    (SlicesMultiplier(composition="separate", fp16=True), INTEGERS + FLOATS),
    (LutMultiplier(), INTEGERS + FLOATS),
    (LutMultiplier(halved=True), INTEGERS + FLOATS),
    (LutGroupMultiplier(), [*INTEGERS, ("int4", "binary"), ("e2m1fn", "bipolar2")]),
    (LutGroupMultiplier(group=3, symmetrized=False), INTEGERS),
    (ShiftMultiplier(), [("int4", "int2"), ("int6", "pot4"), ("e4m3fn", "e5m0"), ("int4", "ternary")]),
    (BipolarMultiplier(), [("bipolar4", "bipolar2"), ("bipolar3", "binary")]),
    (AbfloatMultiplier(), [("abfloat4", "abfloat4"), ("abfloat4", "int4"), ("int8", "abfloat4")]),
]  # fmt: skip


@pytest.mark.parametrize(("multiplier", "pairs"), CASES, ids=lambda value: str(value)[:60])
def test_partial_products_add_up_to_the_product_for_every_pair_of_codes(
    multiplier: ExactStructure, pairs: list[tuple[str, str]]
) -> None:
    assert multiplier.kernel == 0
    for a, b in ((get(x), get(y)) for x, y in pairs):
        multiplier.check(a, b)
        for x, y in product(factors(a), factors(b)):
            if x is not None and y is not None:
                found = multiplier.product(x, y, a, b)
                assert found == ExactMultiplier().product(x, y, a, b)


def test_the_structures_do_not_multiply_whole_operands() -> None:
    """Each partial product has a narrow factor: what is shown above is not a product in disguise."""
    f = get("int8")
    x, y = (word(factor, f) for factor in (factors(f)[0x93], factors(f)[0xE7]))  # type: ignore[arg-type]
    assert (x.value, y.value) == (-109, -25)
    assert digits(y, 1) == [1, 1, 1, 0, 0, 1, 1, -1]
    assert digits(y, 2) == [3, 1, 2, -1]
    assert digits(y, 3) == [7, 4, -1]
    assert BoothMultiplier().digits(y) == [-1, 2, -2, 0]
    assert BoothMultiplier(radix=8).digits(y) == [-1, -3, 0]
    assert len(SlicesMultiplier().partial_products(x, y)) == 16
    assert len(SerialMultiplier(serial="both").partial_products(x, y)) == 64


@pytest.mark.parametrize("radix", [4, 8])
@pytest.mark.parametrize("name", ["int7", "int8", "uint7", "uint8"])
def test_booth_digits(radix: int, name: str) -> None:
    f, multiplier = get(name), BoothMultiplier(radix=radix)  # type: ignore[arg-type]
    for factor in factors(f):
        assert factor is not None
        entered = word(factor, f)
        found = multiplier.digits(entered)
        assert all(abs(digit) <= radix // 2 for digit in found)
        assert sum(digit * radix**i for i, digit in enumerate(found)) == entered.value
        width = f.bits + int(not f.signed)
        assert len(found) == -(-width // (2 if radix == 4 else 3))


def test_the_edge_encoder_is_shared_by_a_row() -> None:
    int8 = get("int8")

    def count(multiplier: Multiplier, name: str) -> float:
        return sum(part.count for part in multiplier.parts(int8, int8) if part.name == name)

    inside, edge = BoothMultiplier(), BoothMultiplier(encoder="edge", shared_by=32)
    assert count(inside, "booth encoder") == 2 * 4  # two kinds of gates for four digits
    assert count(edge, "booth encoder") == count(inside, "booth encoder") / 32
    assert count(inside, "digit register") == 0
    assert count(edge, "digit register") == 1


@pytest.mark.parametrize("symmetrized", [True, False])
@pytest.mark.parametrize("weights", ["int2", "uint2", "int4", "uint1", "binary", "bipolar2"])
def test_a_group_of_activations_is_looked_up_by_bit_planes(symmetrized: bool, weights: str) -> None:
    f, multiplier = get(weights), LutGroupMultiplier(symmetrized=symmetrized)
    activations = [7, -5, 3, -8]
    table = multiplier.table(activations)
    assert len(table) == (8 if symmetrized else 16)
    whole = LutGroupMultiplier(symmetrized=False).table(activations)
    assert [multiplier.look_up(table, plane, 4) for plane in range(16)] == whole
    assert all(whole[plane] == -whole[~plane & 15] for plane in range(16))
    words = [multiplier.enter(factor, f) for factor in factors(f) if factor is not None]
    generator = np.random.default_rng(0)
    groups = list(product(words, repeat=4)) if f.bits < 3 else generator.choice(len(words), (500, 4)).tolist()
    for group in groups:
        chosen: list[Word] = [w if isinstance(w, Word) else words[w] for w in group]
        found = multiplier.group_sum(activations, chosen)
        assert len(found) == f.bits + 1
        assert sum(found) == (1 if f.kind == "codebook" else 2) * sum(
            a * w.value for a, w in zip(activations, chosen, strict=True)
        )


def test_planes_of_bipolar_integers_are_counted_over_a_whole_sum() -> None:
    a, b = get("bipolar4"), get("bipolar2")
    generator = np.random.default_rng(1)
    xs, ys = generator.integers(0, 16, 37), generator.integers(0, 4, 37)
    expected = int(a.decode(xs.astype(np.uint8)).astype(int) @ b.decode(ys.astype(np.uint8)).astype(int))
    assert BipolarMultiplier().dot_planes(xs.tolist(), ys.tolist(), a, b) == expected


def test_abfloats_are_decoded_as_olive_does() -> None:
    f = get("abfloat4")
    for number, factor in enumerate(factors(f)):
        if factor is None or factor.significand == 0:
            continue
        found = pair(AbfloatMultiplier().enter(factor, f))
        assert found.integer << found.exponent == olive.abfloat(number, 2, 1, 2)
        assert 2 <= abs(found.integer) <= 3  # 1 + m bits, m = 1
        assert 2 <= found.exponent <= 5


@pytest.mark.parametrize("signed", [False, True])
def test_nonzero_digits(signed: bool) -> None:
    for magnitude in range(1 << 10):
        found = nonzero_digits(magnitude, signed)
        assert sum(digit << place for place, digit in found) == magnitude
        places = [place for place, _ in found]
        assert places == sorted(places, reverse=True)
        if signed:  # non-adjacent, so at most half of the places and one
            assert all(above - below >= 2 for above, below in pairwise(places))
        else:
            assert len(found) == magnitude.bit_count()


def test_shift_add_is_exact_with_all_terms_and_on_weights_of_few_ones() -> None:
    a, b = get("int4"), get("int6")
    for digits_of in ("binary", "signed"):
        exact, two = (ShiftAddMultiplier(terms=terms, digits=digits_of) for terms in (None, 2))  # type: ignore[arg-type]
        for x, y in product(factors(a), factors(b)):
            assert x is not None and y is not None
            expected = ExactMultiplier().product(x, y, a, b)
            assert exact.product(x, y, a, b) == expected
            few = len(nonzero_digits(int(abs(y.value)), digits_of == "signed")) <= 2
            if few or x.value == 0:
                assert two.product(x, y, a, b) == expected
            else:
                assert two.product(x, y, a, b) != expected


def test_a_groups_integer_sum_is_dequantized_once() -> None:
    """MixPE (arXiv:2411.16158): int8 x int4 by shifts and additions, summed per group, then in floating point."""
    fields = {
        "operands": {"a": "int8", "b": "int4"},
        "multiplier": "shift_add",
        "accumulator": {"every": 8, "inner": "int16", "into": "fp32"},
    }
    unit = Datapath.model_validate(fields)
    generator = np.random.default_rng(3)
    a, b = generator.integers(-128, 128, (3, 32)), generator.integers(-8, 8, (32, 5))
    groups = [a[:, i : i + 8] @ b[i : i + 8] for i in range(0, 32, 8)]
    found = unit.matmul_codes(a.astype(np.int8), b.astype(np.int8))
    assert np.array_equal(get("fp32").decode(found.codes), sum(groups).astype(np.float64))
    assert (found.overflows, found.saturations) == (0, 0)


CYCLES = [
    (ExactMultiplier(), "int8", "int8", 1),
    (SerialMultiplier(), "int8", "int8", 8),
    (SerialMultiplier(digit_bits=2), "int8", "int8", 4),
    (SerialMultiplier(digit_bits=3), "int8", "int8", 3),
    (SerialMultiplier(serial="a"), "int4", "int8", 4),
    (SerialMultiplier(serial="both", digit_bits=2), "int4", "int8", 8),
    (SerialMultiplier(), "fp16", "fp16", 11),
    (SlicesMultiplier(), "int8", "int8", 1),
    (SlicesMultiplier(slice_bits=1, composition="temporal"), "int8", "int4", 32),
    (LutGroupMultiplier(), "fp16", "int2", 2),
    (BipolarMultiplier(serial=True), "bipolar4", "bipolar2", 8),
]


@pytest.mark.parametrize(("multiplier", "a", "b", "expected"), CYCLES)
def test_cycles(multiplier: Multiplier, a: str, b: str, expected: int) -> None:
    assert multiplier.cycles(get(a), get(b)) == expected


def total(parts: list[Part]) -> tuple[float, float]:
    from hwsim import technology

    cost = cost_of(parts, technology.get("45nm"))
    return cost.total_area_m2, cost.total_energy_per_mac_j


def test_serial_gates_are_few_and_work_every_cycle() -> None:
    int8 = get("int8")
    bits, twos, whole = (SerialMultiplier(digit_bits=d).parts(int8, int8) for d in (1, 2, 8))
    assert [part.per_mac for part in bits] == [8] * len(bits)
    assert [part.count for part in bits] == [1] * len(bits)
    assert total(bits)[0] < total(twos)[0] < total(whole)[0]
    assert total(bits)[0] < total(ExactMultiplier().parts(int8, int8))[0]


def test_slices_make_more_products_of_narrower_operands() -> None:
    unit = SlicesMultiplier(widest=16, fp16=True)
    widths = {"int16": 1, "int8": 4, "int4": 16, "int2": 64, "fp16": 1}
    assert {name: unit.products_per_unit(get(name), get(name)) for name in widths} == widths
    assert unit.products_per_unit(get("int16"), get("int2")) == 8
    slices = {name: next(p for p in unit.parts(get(name), get(name)) if p.name == "slice") for name in widths}
    assert slices["int16"].count == 64 * slices["int2"].count == 64
    assert (slices["int8"].per_mac, slices["fp16"].per_mac) == (16, 36)
    additions = [p.per_mac for p in unit.parts(get("int8"), get("int8")) if p.name == "recombination adder"]
    assert sum(additions) == 15  # sixteen slice products are one after fifteen additions


REFUSED: list[tuple[Multiplier, str, str, str]] = [
    (ShiftMultiplier(), "int8", "int4", "powers of two, and 'int4' has other values"),
    (ShiftMultiplier(), "int8", "e4m3fn", "'e4m3fn' has other values"),
    (SlicesMultiplier(), "int16", "int8", "at most 8 bits, got 'int16'"),
    (SlicesMultiplier(), "int8", "fp16", "without 'fp16: true' multiply integers, got 'fp16'"),
    (SlicesMultiplier(widest=16, fp16=True), "fp16", "fp32", "'fp32' has more"),
    (LutMultiplier(), "int8", "int16", "16 bits together, got int8 x int16"),
    (LutGroupMultiplier(), "fp16", "fp16", "integer or bipolar weights of at most 8 bits as b, got 'fp16'"),
    (BipolarMultiplier(), "bipolar4", "int4", "(binary, bipolar2, …), got 'int4'"),
    (AbfloatMultiplier(), "abfloat4", "pot4", "got 'pot4'"),
]


@pytest.mark.parametrize(("multiplier", "a", "b", "message"), REFUSED)
def test_refusals_are_one_line(multiplier: Multiplier, a: str, b: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        multiplier.check(get(a), get(b))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_codes_find_every_value_again() -> None:
    for name in ("int4", "e2m1fn", "pot4", "e3m2"):
        f = get(name)
        for number, (factor, value) in enumerate(zip(factors(f), values(f), strict=True)):
            if factor is not None and not (f.kind == "codebook" and value == 0):
                assert code(factor, f) == number
