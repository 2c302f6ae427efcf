"""What the scales of blocks add to a lane."""

from __future__ import annotations

from typing import Any

import pytest

from hwsim.datapath import Datapath
from hwsim.datapath.scale_gates import scale_parts
from hwsim.technology import IntegerAdder, IntegerMultiplier


def made(element: str, scale: str, block: int, **parts: Any) -> Datapath:
    operands = {"a": element, "b": element, "scale": scale, "scale_block": block}
    return Datapath.model_validate({"operands": operands, **parts})


def found(datapath: Datapath) -> list[tuple[Any, float]]:
    return [(part.primitive, part.per_mac) for part in scale_parts(datapath)]


def test_powers_of_two_add_exponents_once_a_block() -> None:
    fused = {"kind": "fused", "lanes": 32, "align_bits": 13}
    assert found(made("e4m3fn", "e8m0fnu", 32, reduction=fused, accumulator="fp32")) == [(IntegerAdder(9), 2 / 32)]
    assert found(made("e4m3fn", "e8m0fnu", 16, reduction=fused, accumulator="fp32")) == [(IntegerAdder(9), 2 / 16)]
    assert found(made("e4m3fn", "e8m0fnu", 32, accumulator="fp32")) == [(IntegerAdder(9), 2.0)]


def test_significands_multiply_a_chunk_once() -> None:
    chunks = {"every": 16, "inner": {"bits": 11}, "into": "fp32"}
    assert found(made("int4", "ue4m3", 16, accumulator=chunks)) == [
        (IntegerMultiplier(4, 4), 1 / 16), (IntegerMultiplier(11, 8), 1 / 16), (IntegerAdder(5), 2 / 16),
    ]  # fmt: skip


def test_significands_multiply_every_product() -> None:
    assert found(made("e2m1fn", "ue4m3", 16, accumulator="fp32"))[1] == (IntegerMultiplier(4, 8), 1.0)


@pytest.mark.parametrize("scaled", [False, True])
def test_nothing_without_scales_or_where_the_block_counts_them(scaled: bool) -> None:
    if scaled:
        groups = {"count": 4, "scaled": True}
        reduction = {"kind": "fused", "lanes": 64, "align_bits": 35, "groups": groups}
        datapath = made("e2m1fn", "ue4m3", 16, reduction=reduction, accumulator="fp32")
        names = datapath.cost("7nm").energy_per_mac_j
        assert "scale multiplier" in names
    else:
        datapath = Datapath.model_validate({"operands": {"a": "int8", "b": "int8"}, "accumulator": "int32"})
    assert scale_parts(datapath) == []
