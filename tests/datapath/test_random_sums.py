"""Sums rounded by chance: their bits against the golden model, their bits' independence, their mean."""

from __future__ import annotations

import math

import numpy as np
import pytest
from _datapaths import RANDOM_ROUNDINGS, Case
from pydantic import ValidationError
from test_kernels_match_golden import REDUCTIONS, compare

from hwsim.base.errors import InputError
from hwsim.datapath import Datapath
from hwsim.formats import get
from hwsim.formats.exact import TWO, Draw
from hwsim.golden.draws import draw, philox
from hwsim.golden.formats import round_unlimited
from hwsim.kernels.philox import first_word
from hwsim.kernels.rounding import round_significand_randomly


def datapath(accumulator: dict[str, object], reduction: object = "sequential", operand: str = "bf16") -> Datapath:
    return Datapath.model_validate(
        {"operands": {"a": operand, "b": operand}, "reduction": reduction, "accumulator": accumulator}
    )


@pytest.mark.parametrize("reduction", REDUCTIONS, ids=str)
@pytest.mark.parametrize("rounding", RANDOM_ROUNDINGS)
@pytest.mark.parametrize("formats", [("fp16", "fp32"), ("e4m3fn", "e5m10"), ("bf16", "e8m3")], ids=str)
def test_sums_have_the_golden_models_bits(
    reduction: dict[str, object], rounding: str, formats: tuple[str, str]
) -> None:
    operand, total = formats
    single = {"format": total, "rounding": rounding, "seed": 77 << 30, "random_bits": 11}
    generator = np.random.default_rng(len(rounding) + 7 * REDUCTIONS.index(reduction))
    for accumulator in (single, {"every": 8, "inner": single, "into": {**single, "format": "bf16"}}):
        unit = datapath(accumulator, reduction, operand)
        a = unit.operands.a.encode(generator.standard_normal((2, 23)))
        b = unit.operands.b.encode(generator.standard_normal((23, 3)))
        compare(Case(unit, a, b, None))
        compare(Case(unit, a, b, unit.c_format.encode(generator.standard_normal((2, 3)))))


def test_kernel_rounds_by_the_formats_own_rule() -> None:
    """Against the exact rule of formats, sums of all lengths and with a jammed last bit among them."""
    generator = np.random.default_rng(5)
    modes = {"stochastic_a": 6, "stochastic_b": 7, "stochastic_c": 8, "equal_probability": 9}
    for name in ("e4m3", "e2m1fn", "e5m10", "e8m0", "e8m23"):
        fmt = get(name)
        for _ in range(400):
            n = int(generator.integers(1, 33))
            magnitude = int(generator.integers(0, 1 << int(generator.integers(1, 63))))
            exponent = int(generator.integers(fmt.last_place_min - 70, fmt.last_place_min + 10))
            word = int(generator.integers(0, 1 << n))
            for mode, number in modes.items():
                got = round_significand_randomly(
                    magnitude, exponent, fmt.precision, fmt.last_place_min, number, n, word
                )
                exact = round_unlimited(fmt, False, magnitude * TWO**exponent, mode, Draw(n, word))
                assert got[0] * TWO ** int(got[1]) == exact


def test_words_are_philox_and_do_not_depend_on_the_compiler() -> None:
    """Random123 1.14.0, tests/kat_vectors: philox4x32 10."""
    counter, key = (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344), (0xA4093822, 0x299F31D0)
    assert philox(counter, key) == (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1)
    assert first_word(*counter, *key) == 0xD16CFE09
    assert first_word(0, 0, 0, 0, 0, 0) == philox((0, 0, 0, 0), (0, 0))[0] == 0x6627E8D5


def test_every_addition_draws_bits_of_its_own() -> None:
    accumulator = datapath({"format": "fp16", "rounding": "stochastic", "random_bits": 32}).accumulator
    places = [(output, k, place) for output in (0, 1, 1 << 33) for k in (0, 1, 9) for place in (0, 1, 2, 3, 4)]
    assert len({draw(accumulator, *place) for place in places}) == len(places)


def test_same_sums_again_and_others_by_another_seed() -> None:
    generator = np.random.default_rng(0)
    accumulator = {"format": "e5m3", "rounding": "stochastic"}
    unit, other = datapath(accumulator), datapath(accumulator | {"seed": 1})
    a, b = (unit.operands.a.encode(generator.standard_normal(shape)) for shape in ((6, 40), (40, 5)))
    whole = unit.matmul_codes(a, b).codes
    assert np.array_equal(whole, unit.matmul_codes(a, b).codes)
    assert not np.array_equal(whole, other.matmul_codes(a, b).codes)
    # The first rows are the same outputs, so fewer of them have the same bits; batches count on.
    assert np.array_equal(whole[:2], unit.matmul_codes(a[:2], b).codes)
    pair = unit.matmul_codes(np.stack([a[:2], a[2:4]]), np.stack([b, b])).codes
    assert np.array_equal(pair.reshape(4, 5), whole[:4])


@pytest.mark.parametrize("reduction", ["sequential", {"kind": "tree", "lanes": 4}, {"kind": "exact", "lanes": 4}])
def test_the_mean_of_many_sums_is_the_exact_sum(reduction: object) -> None:
    """4096 sums of the same products, each with draws of its own.

    Roundings whose discarded fraction is a multiple of 2**−r have mean 0 whatever came before, so the errors of a sum
    are a martingale (Connolly, Higham, Mary, Stochastic rounding and its probabilistic error analysis, SIAM J. Sci.
    Comput. 43(1), 2021), each between −u and u with u the last place of the largest partial sum. By
    Azuma and Hoeffding the mean of R independent sums of n roundings is off by more than λ·u·√(n/R) with probability
    of at most 2·exp(−λ²/2): 10⁻⁹ for λ = 6.55.
    """
    unit = datapath({"format": "e8m4", "rounding": "stochastic"}, reduction)
    generator = np.random.default_rng(1)
    x, y = (unit.operands.a.round(generator.uniform(0.5, 2, 50).astype(np.float32)) for _ in range(2))
    x, y = (np.round(v * 64) / 64 for v in (x, y))
    exact = float(np.dot(x.astype(float), y.astype(float)))
    sums = unit.matmul(np.tile(x, (64, 1)), np.tile(y[:, None], (1, 64)))
    roundings = 13 * 4  # of 13 blocks of a tree; a chain has 50, exact blocks have 13
    last_place = 2.0 ** (math.floor(math.log2(exact)) - 3)  # a partial sum may lie above the exact one
    assert exact != unit.result_format.round(exact)
    assert abs(sums.mean() - exact) < 6.55 * last_place * math.sqrt(roundings / sums.size)
    nearest = datapath({"format": "e8m4"}, reduction).matmul(x[None], y[:, None])
    assert len(np.unique(sums)) > 2 and abs(nearest[0, 0] - exact) > abs(sums.mean() - exact)


def test_swamped_sums_grow() -> None:
    """1 + 1024 · 2**−12 in bf16: each term is a sixteenth of the last place, so that to nearest it is lost."""
    accumulator = {"format": "bf16", "rounding": "stochastic"}
    ones, small = np.ones((32, 1)), np.full((32, 1024), 2.0**-12)
    a, b = np.hstack([ones, small]), np.ones((1025, 32))
    assert np.all(datapath({"format": "bf16"}).matmul(a, b) == 1)
    sums = datapath(accumulator).matmul(a, b)
    # Azuma and Hoeffding as above, with u = 2**−7: off by 6.55 · 2**−7 · √(1024/1024).
    assert abs(sums.mean() - 1.25) < 6.55 * 2.0**-7


def test_where_outputs_have_no_number_is_refused() -> None:
    from hwsim.units.matrix_unit import MatrixUnit, Sparsity
    from hwsim.units.systolic import SystolicArray
    from hwsim.units.systolic_simulator import run_codes

    unit = datapath({"every": 2, "inner": {"format": "fp16", "rounding": "stochastic"}, "into": "fp32"})
    sparse = MatrixUnit("a", "a.sp", (2, 2, 4), unit, sparsity=Sparsity(keep=2, of=4))
    with pytest.raises(InputError, match="not numbered"):
        sparse.matmul_bits(np.zeros((2, 2), int), np.zeros((4, 2), int), indices=np.array([[0, 1], [0, 1]]))
    pe = datapath({"format": "fp16", "rounding": "stochastic"})
    array = SystolicArray(rows=2, cols=2, dataflow="output_stationary", pe=pe)
    with pytest.raises(InputError, match="not by chance"):
        run_codes(array, [[0]], [[0]])


@pytest.mark.parametrize(
    ("accumulator", "reduction", "message"),
    [
        ({"format": "fp16", "random_bits": 8}, "sequential", "takes no 'random_bits'"),
        ({"format": "fp16", "seed": 1}, "sequential", "takes no 'random_bits' and no 'seed'"),
        ({"format": "e11m40", "rounding": "stochastic"}, "sequential", "24 random bits below the 41"),
        ({"format": "fp16", "rounding": "stochastic"}, {"kind": "tree", "lanes": 2, "format": "fp64"}, "fewer random"),
        ({"format": "fp16", "rounding": "by_chance"}, "sequential", "Input should be"),
    ],
)
def test_what_cannot_be_had_is_refused(accumulator: dict[str, object], reduction: object, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        datapath(accumulator, reduction)
