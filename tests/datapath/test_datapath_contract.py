"""What every multiplier, reduction and accumulator keeps to. A new one registers, gives `examples`, and passes."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from hwsim import technology
from hwsim.base.errors import HwsimError
from hwsim.datapath import Datapath
from hwsim.datapath.accumulator import Accumulator, accumulators
from hwsim.datapath.multiplier import Multiplier, multipliers
from hwsim.datapath.parts import cost_of
from hwsim.datapath.products import product_table
from hwsim.datapath.reduction import Reduction, reductions
from hwsim.formats import get
from hwsim.golden import datapath as golden


def examples(registry: Any) -> list[Any]:
    return [example for part in registry.items().values() for example in part.examples()]


def some(registry: Any) -> Any:
    """Every example of a registry, named by its fields."""
    return pytest.mark.parametrize(registry.kind, examples(registry), ids=str)


PAIRS = [("int4", "uint5"), ("e2m1fn", "e3m2fn"), ("int3", "e4m3fn"), ("q2.2", "int4")]
WIDE_PAIRS = [("fp16", "fp16"), ("bf16", "e4m3fn"), ("int12", "int16"), ("fp32", "fp32"), ("uint16", "q4.8")]
# For multipliers of particular operands: powers of two, the shipped table, codebooks.
CODEBOOK_PAIRS = [("bipolar2", "binary"), ("abfloat4", "int4"), ("int5", "pot4"), ("e2m1fn", "ternary")]
PARTICULAR_PAIRS = [("int5", "int2"), ("e4m3fn", "e5m0"), ("uint4", "uint4"), *CODEBOOK_PAIRS]


def built(operands: tuple[str, str], **parts: Any) -> Datapath | None:
    """A datapath of these parts, None where they refuse each other."""
    try:
        return Datapath(operands={"a": operands[0], "b": operands[1]}, **parts)
    except ValidationError:
        return None


def random_operands(datapath: Datapath, seed: int, k: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Codes of any value, infinities and NaN among them, with a first addend."""
    generator = np.random.default_rng(seed)
    formats = datapath.operands.a, datapath.operands.b, datapath.c_format
    shapes = (3, k), (k, 4), (3, 4)
    drawn = [
        generator.integers(0, f.code_count, shape, dtype=np.uint64, endpoint=False).astype(f.code_dtype)
        for f, shape in zip(formats, shapes, strict=True)
    ]
    return drawn[0], drawn[1], drawn[2]


def compare(datapath: Datapath, seed: int, k: int = 11) -> None:
    """The kernel's codes and counts are the golden model's, with and without a first addend."""
    a, b, c = random_operands(datapath, seed, k)
    for start in (None, c):
        try:
            expected, events = golden.matmul(
                datapath, a.tolist(), b.tolist(), None if start is None else start.tolist()
            )
        except HwsimError:
            with pytest.raises(HwsimError):
                datapath.matmul_codes(a, b, start)
            continue
        result = datapath.matmul_codes(a, b, start)
        assert result.codes.tolist() == expected
        assert (result.overflows, result.saturations) == (events.overflows, events.saturations)


@some(reductions)
@some(accumulators)
def test_sums_are_the_golden_models(reduction: Reduction, accumulator: Accumulator) -> None:
    found = [d for pair in PAIRS if (d := built(pair, reduction=reduction, accumulator=accumulator))]
    for seed, datapath in enumerate(found):
        compare(datapath, seed)
        compare(datapath, seed, k=1)


@some(reductions)
def test_every_reduction_adds_floats(reduction: Reduction) -> None:
    assert built(("e2m1fn", "e2m1fn"), reduction=reduction, accumulator="fp32")


@some(accumulators)
def test_every_accumulator_takes_sums_one_by_one(accumulator: Accumulator) -> None:
    assert any(built(pair, accumulator=accumulator) for pair in PAIRS)


@some(reductions)
@some(accumulators)
def test_combinations_count_their_gates(reduction: Reduction, accumulator: Accumulator) -> None:
    for datapath in filter(None, (built(pair, reduction=reduction, accumulator=accumulator) for pair in PAIRS)):
        names = {part.name for part in datapath.parts()}
        assert {"multiplier", "accumulator register"} <= names
        cost = datapath.cost("7nm")
        assert set(cost.area_m2) == set(cost.sources) == names
        assert min(cost.area_m2.values()) >= 0 and min(cost.energy_per_mac_j.values()) >= 0
        assert cost.total_area_m2 > 0 and cost.total_energy_per_mac_j > 0


def accepted(multiplier: Multiplier, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The pairs of operands that a multiplier takes."""

    def takes(pair: tuple[str, str]) -> bool:
        try:
            multiplier.check(get(pair[0]), get(pair[1]))
        except ValueError:
            return False
        return True

    return [pair for pair in pairs if takes(pair)]


@some(multipliers)
def test_products_are_the_rules(multiplier: Multiplier) -> None:
    """Through the table of narrow operands and through the kernel of wide ones, added up by every reduction."""
    pairs = PAIRS + PARTICULAR_PAIRS + (WIDE_PAIRS if multiplier.kernel is not None else [])
    found = [
        d
        for pair, reduction in product(accepted(multiplier, pairs), ("sequential", "exact", FUSED))
        for accumulator in ("int40", "e11m40")
        if (d := built(pair, multiplier=multiplier, reduction=reduction, accumulator=accumulator))
    ]
    assert found or multiplier.kind in OTHER_FORMATS
    for seed, datapath in enumerate(found):
        compare(datapath, seed)


FUSED = {"kind": "fused", "lanes": 4, "align_bits": 20}
OTHER_FORMATS = ("bipolar", "abfloat")
"""Multipliers of codebooks alone, for datapaths that refuse these; `test_multiplier_structures` has their products."""
EVERY_PAIR = [*PAIRS, *PARTICULAR_PAIRS, ("e3m2fn", "e3m2fn")]


@some(multipliers)
def test_products_keep_zero_and_signs(multiplier: Multiplier) -> None:
    """Finite products, 0 · x = 0, and a product is 0 or has the sign of its operands'; −x · −y = x · y."""
    seen = 0
    # A table of one's own promises nothing; the shipped one is of unsigned integers.
    for names in accepted(multiplier, EVERY_PAIR) if multiplier.kind != "table" else [("uint4", "uint4")]:
        a, b = get(names[0]), get(names[1])
        table = product_table(multiplier, a, b)[0].reshape(a.code_count, b.code_count)
        values = [np.nan_to_num(f.decode(np.arange(f.code_count)).astype(float), posinf=0, neginf=0) for f in (a, b)]
        signs = np.sign(np.outer(*values))
        assert np.all((np.sign(table) == signs) | (table == 0))
        assert np.all(table[signs == 0] == 0)
        seen += int(table.any())
        assert multiplier.product_bits(a, b) >= int(np.abs(table).max()).bit_length()
        if names == ("e3m2fn", "e3m2fn") and getattr(multiplier, "rounding", "") != "rd":
            assert np.array_equal(table[:32, :32], table[32:, 32:])
    assert seen


@some(multipliers)
def test_multipliers_count_their_gates(multiplier: Multiplier) -> None:
    pairs = accepted(multiplier, EVERY_PAIR)
    assert pairs
    for names in pairs:
        formats = get(names[0]), get(names[1])
        parts = multiplier.parts(*formats)
        assert parts
        assert all(part.count > 0 and part.per_mac >= 0 for part in parts)
        assert multiplier.cycles(*formats) >= 1
        cost = cost_of(parts, technology.get("7nm"))
        assert cost.total_area_m2 > 0 and cost.total_energy_per_mac_j > 0


@some(multipliers)
@some(reductions)
def test_parts_survive_yaml(multiplier: Multiplier, reduction: Reduction) -> None:
    for part in (multiplier, reduction):
        assert type(part).model_validate(part.model_dump(mode="json")) == part
