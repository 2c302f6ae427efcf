"""The longest way through a lane: chains side by side, and the whole of `Datapath.cost`."""

from __future__ import annotations

import time

import pytest

from hwsim import technology
from hwsim.datapath import Datapath
from hwsim.datapath.gates import fused_parts
from hwsim.datapath.parts import Part, cost_of, critical_path
from hwsim.datapath.reductions.fused import Fused
from hwsim.technology import Comparator, Gate, IntegerAdder, IntegerMultiplier, Multiplexer, Register, Shifter

ADD8, MULTIPLY4, SHIFT = IntegerAdder(8), IntegerMultiplier(4, 4), Shifter(8, 7)


def test_parts_follow_one_another_and_registers_add_nothing() -> None:
    parts = [Part("multiplier", MULTIPLY4), Part("accumulator register", Register(8)), Part("accumulator adder", ADD8)]
    assert critical_path(parts) == {
        "multiplier": MULTIPLY4.gate_delays(),
        "accumulator adder": ADD8.gate_delays(),
    }


def test_exponents_work_beside_the_multiplier_up_to_the_aligner() -> None:
    slow, fast = Part("exponent adder", ADD8, in_series=9), Part("exponent adder", ADD8)
    tail = [Part("aligner", SHIFT), Part("rounder", Gate("xor2"))]
    assert list(critical_path([Part("multiplier", MULTIPLY4), fast, *tail])) == ["multiplier", "aligner", "rounder"]
    path = critical_path([Part("multiplier", MULTIPLY4), slow, *tail])
    assert path == {"exponent adder": 9 * 10.8, "aligner": 6.0, "rounder": 2.4}


def test_levels_of_one_name_add_up_and_copies_do_not() -> None:
    tree = [Part("tree adder", ADD8, 4, 4), Part("tree adder", ADD8, 2, 2), Part("tree adder", ADD8, 1, 1)]
    assert critical_path(tree) == {"tree adder": pytest.approx(3 * 10.8)}
    assert critical_path([Part("tree adder", ADD8, 7, 7, in_series=3)]) == {"tree adder": pytest.approx(3 * 10.8)}


def test_a_chain_behind_a_register_is_a_path_of_its_own() -> None:
    parts = [Part("multiplier", MULTIPLY4), Part("normaliser", SHIFT, chain="output")]
    assert list(critical_path(parts)) == ["multiplier"]
    parts[1] = Part("normaliser", SHIFT, in_series=9, chain="output")
    assert critical_path(parts) == {"normaliser": 54.0}
    assert critical_path([]) == {}


def test_an_int8_lane() -> None:
    """AND 1.5, four Dadda levels of 4.8, a 16-bit adder of 12.8, then a 32-bit adder of 14.8."""
    datapath = Datapath.model_validate({"operands": {"a": "int8", "b": "int8"}, "accumulator": "int32"})
    cost = datapath.cost("7nm")
    assert cost.critical_path == {"multiplier": pytest.approx(33.5), "accumulator adder": pytest.approx(14.8)}
    assert cost.critical_path_gates == pytest.approx(48.3)
    assert cost.critical_path == datapath.cost("45nm").critical_path


LANES = {
    "int8": {"accumulator": "int32"},
    "int4": {"accumulator": "int24"},
    "e4m3fn": {"accumulator": "fp32", "reduction": {"kind": "fused", "lanes": 32, "align_bits": 13}},
    "e2m1fn": {"accumulator": "fp32", "reduction": {"kind": "fused", "lanes": 64, "align_bits": 13}},
    "bf16": {"accumulator": "fp32"},
    "e5m2": {"accumulator": "fp32", "reduction": {"kind": "tree", "lanes": 8}},
    "fp16": {"accumulator": "fp32", "reduction": "exact"},
    "e3m2fn": {"accumulator": {"every": 128, "inner": "fp16", "into": "fp32"}},
}


def lane(name: str) -> Datapath:
    return Datapath.model_validate({"operands": {"a": name, "b": name}, **LANES[name]})


@pytest.mark.parametrize("node", ["45nm", "7nm"])
@pytest.mark.parametrize("name", LANES)
def test_every_kind_of_lane_has_area_energy_and_delay(name: str, node: str) -> None:
    cost = lane(name).cost(node)
    assert cost.total_area_m2 > 0
    assert cost.total_energy_per_mac_j > 0
    assert cost.critical_path_gates == pytest.approx(sum(cost.critical_path.values()))
    assert cost.critical_path_gates > 20
    assert cost.critical_path.keys() <= cost.area_m2.keys()


def test_a_cost_takes_milliseconds_at_most() -> None:
    datapath = lane("e4m3fn")
    datapath.cost("7nm")
    start = time.perf_counter()
    for _ in range(10):
        datapath.cost("7nm")
    assert (time.perf_counter() - start) / 10 < 0.02  # 0.2 ms on the machine it was written on


def test_narrower_formats_and_sums_cost_less() -> None:
    at_7 = {name: lane(name).cost("7nm").total_energy_per_mac_j for name in ("int8", "int4", "e4m3fn", "bf16")}
    assert at_7["int4"] < at_7["int8"] < at_7["bf16"]
    wide = lane("e4m3fn").model_copy(
        update={"reduction": lane("e4m3fn").reduction.model_copy(update={"align_bits": 25})}
    )
    assert at_7["e4m3fn"] < wide.cost("7nm").total_energy_per_mac_j < at_7["bf16"]


def test_the_product_of_a_fused_multiply_add_widens_the_adder_where_it_must() -> None:
    def adder(a: str, accumulator: str, fused: bool = True) -> int:
        reduction = {"kind": "sequential", "fused": fused}
        fields = {"operands": {"a": a, "b": a}, "accumulator": accumulator, "reduction": reduction}
        (part,) = (p for p in Datapath.model_validate(fields).parts() if p.name == "accumulator adder")
        return int(part.primitive.word)  # type: ignore[attr-defined]

    assert adder("e4m3fn", "fp32") == 24 + 3  # a product of 8 bits is an addend like any other
    assert adder("fp16", "fp16") == 22 + 3
    assert adder("fp16", "fp16", fused=False) == 11 + 3


# A fused unit, part by part ------------------------------------------------------------------------


def test_the_parts_of_a_fused_unit() -> None:
    """L = 32, F = 13 for E4M3 into FP32: a term of 15 bits, 33 of them, six levels."""
    datapath = lane("e4m3fn")
    operands = datapath.operands
    unit = Fused(lanes=32, align_bits=13)
    parts = fused_parts(operands.a, operands.b, datapath.multiplier, datapath.accumulator, unit)
    by_name: dict[str, list[Part]] = {}
    for part in parts:
        by_name.setdefault(part.name, []).append(part)
    assert [p.primitive for p in by_name["exponent maximum"]] == [Comparator(8), Multiplexer(8, 2)]
    assert {p.in_series for p in by_name["exponent maximum"]} == {6}
    assert by_name["exponent difference"][0].primitive == IntegerAdder(8)
    assert by_name["aligner"][0].primitive == Shifter(15, 15)
    assert by_name["aligner"][0].count == pytest.approx(33 / 32)
    adders = by_name["tree adder"]
    assert len(adders) == 6
    assert sum(p.count for p in adders) * 32 == pytest.approx(32)  # 33 terms are added by 32 adders
    assert [p.primitive for p in adders] == [IntegerAdder(bits) for bits in range(15, 21)]
    assert by_name["normaliser"][1].primitive == Shifter(21, 21)
    assert by_name["normaliser"][1].count == 1 / 32
    path = cost_of([*datapath.multiplier.parts(operands.a, operands.b), *parts], technology.get("7nm")).critical_path
    assert list(path) == [
        *("exponent adder", "exponent maximum", "exponent difference", "aligner", "complement", "tree adder"),
        *("normaliser", "rounder"),
    ]


def test_a_fused_unit_into_integers_is_a_tree() -> None:
    fields = {"operands": {"a": "int8", "b": "int8"}, "accumulator": "int32"}
    datapath = Datapath.model_validate({**fields, "reduction": {"kind": "fused", "lanes": 4, "align_bits": 8}})
    operands, unit = datapath.operands, Fused(lanes=4, align_bits=8)
    parts = fused_parts(operands.a, operands.b, datapath.multiplier, datapath.accumulator, unit)
    assert [part.name for part in parts] == ["tree adder", "tree adder", "accumulator register", "accumulator adder"]


def test_groups_and_a_late_addend_count_their_own_trees() -> None:
    late = {"align_bits": 24, "sum_align_bits": 32}
    fields = {"lanes": 16, "align_bits": 24, "groups": {"count": 2, "align_bits": 24}, "late": late}
    unit = Fused.model_validate(fields)
    operands = lane("e4m3fn").operands
    parts = fused_parts(operands.a, operands.b, lane("e4m3fn").multiplier, lane("e4m3fn").accumulator, unit)
    adders = sum(p.count for p in parts if p.name == "tree adder") * 16
    assert adders == pytest.approx(14 + 1 + 1)  # two groups of 8, their two sums, and c
    aligners = sum(p.count for p in parts if p.name == "aligner") * 16
    assert aligners == pytest.approx(16 + 2 + 2)
