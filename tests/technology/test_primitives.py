"""What holds for every primitive at every node: more bits never cost less, and a cost is the sum of its terms."""

from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim import technology
from hwsim.technology import (
    Comparator,
    FloatAdder,
    FloatMultiplier,
    Gate,
    IntegerAdder,
    IntegerMultiplier,
    LeadingZeroCounter,
    LookupTable,
    Multiplexer,
    OrTree,
    Primitive,
    Register,
    Rounder,
    Shifter,
)
from hwsim.technology.blocks import dadda_levels
from hwsim.technology.gates import DELAYS, WEIGHTS
from hwsim.technology.primitive import Composite

WIDTHS = (
    IntegerMultiplier,
    IntegerAdder,
    FloatMultiplier,
    FloatAdder,
    Shifter,
    LeadingZeroCounter,
    Comparator,
    Multiplexer,
    OrTree,
    Register,
    Rounder,
    LookupTable,
)
NAMES = technology.names()


def test_every_primitive_is_covered_here():
    assert {*WIDTHS, Gate, Composite} == {*Primitive.__subclasses__(), *Composite.__subclasses__()}


@given(st.data(), st.sampled_from(WIDTHS), st.sampled_from(NAMES))
def test_energy_and_area_grow_with_every_width(data, kind, name):
    widths = [data.draw(st.integers(1, 64), field.name) for field in fields(kind)]
    small = kind(*widths)
    field = data.draw(st.sampled_from(fields(kind)))
    large = replace(small, **{field.name: getattr(small, field.name) + data.draw(st.integers(1, 8))})
    tech = technology.get(name)
    assert tech.cost(large).energy_j >= tech.cost(small).energy_j
    assert tech.cost(large).area_m2 >= tech.cost(small).area_m2
    assert large.gate_delays() >= small.gate_delays() >= 0


@given(st.integers(1, 64), st.sampled_from(NAMES))
def test_more_bits_cost_strictly_more(bits, name):
    tech = technology.get(name)
    for kind in (IntegerAdder, Register, Rounder, Comparator, LeadingZeroCounter, Multiplexer, OrTree):
        assert 0 < tech.cost(kind(bits)).energy_j < tech.cost(kind(bits + 1)).energy_j
        assert 0 < tech.cost(kind(bits)).area_m2 < tech.cost(kind(bits + 1)).area_m2
    for kind in (FloatAdder, FloatMultiplier):
        assert 0 < tech.cost(kind(5, bits)).energy_j < tech.cost(kind(5, bits + 1)).energy_j
        assert tech.cost(kind(5, bits)).area_m2 < tech.cost(kind(6, bits)).area_m2


@given(st.integers(1, 32), st.integers(1, 32))
def test_a_multiplier_does_not_care_which_operand_is_wider(a_bits, b_bits):
    tech = technology.get("7nm")
    assert tech.cost(IntegerMultiplier(a_bits, b_bits)) == tech.cost(IntegerMultiplier(b_bits, a_bits))


@pytest.mark.parametrize(
    ("primitive", "terms"),
    [
        (IntegerMultiplier(8, 4), {"cell": 32, "depth": 64, "edge": 6}),
        (Comparator(8), {"xor2": 8, "and2": 8, "or2": 8}),
        (OrTree(9), {"or2": 9}),
        (Shifter(24, 0), {"mux2": 0}),
        (Shifter(24, 1), {"mux2": 24}),
        (Shifter(24, 7), {"mux2": 72}),
        (Shifter(24, 8), {"mux2": 96}),
        (Multiplexer(8, 4), {"mux2": 24}),
        (Multiplexer(8, 1), {"mux2": 0}),
        (LookupTable(16, 4), {"mux2": 60}),
        (Rounder(11), {"half_adder": 11}),
        (LeadingZeroCounter(27), {"mux2": 27, "nand2": 27}),
    ],
)
def test_structure(primitive, terms):
    found = {term.removeprefix("integer_multiplier_"): count for term, count in primitive.terms().items()}
    assert found == terms


@given(st.sampled_from(WIDTHS), st.sampled_from(NAMES))
def test_a_cost_is_the_sum_of_its_terms(kind, name):
    tech = technology.get(name)
    primitive = kind(*([7] * len(fields(kind))))
    priced = [(count, tech.prices[term]) for term, count in primitive.terms().items()]
    cost = tech.cost(primitive)
    assert cost.energy_j == pytest.approx(sum(count * price.energy_j for count, price in priced))
    assert cost.area_m2 == pytest.approx(sum(count * price.area_m2 for count, price in priced))
    assert cost.source
    assert cost.status


def test_nothing_costs_nothing():
    cost = technology.get("7nm").cost(Register(0))
    assert (cost.energy_j, cost.area_m2, cost.delay_s) == (0, 0, None)


def test_a_negative_width_is_refused():
    with pytest.raises(ValueError, match=r"Shifter.distance is a width or a count, got -1"):
        Shifter(8, -1)


def test_a_term_without_a_price_is_named():
    class Memristor(Primitive):
        def terms(self):
            return {"memristor": 1.0}

        def gate_delays(self):
            return 1.0

    try:
        with pytest.raises(ValueError, match="7nm has no price for memristor"):
            technology.get("7nm").cost(Memristor())
    finally:
        del Memristor
        import gc

        gc.collect()  # so that `Primitive.__subclasses__` forgets it


@pytest.mark.parametrize("name", NAMES)
def test_gates_have_the_published_ratios(name):
    """XOR2 1.5 x the energy and 2.4 x the area of a NAND2, a full adder 3 NAND2 + 2 XOR2 of area at every node."""
    tech = technology.get(name)
    nand = tech.cost(Gate("nand2"))
    for gate, (energy, area, delay, _) in WEIGHTS.items():
        cost = tech.cost(Gate(gate))
        assert cost.area_m2 == pytest.approx(area * nand.area_m2)
        assert cost.gate_delays == delay
        if gate != "full_adder":  # has an energy of its own, that of the table's integer adders
            assert cost.energy_j == pytest.approx(energy * nand.energy_j)
    assert WEIGHTS["xor2"][:3] == (1.5, 2.4, 2.4)
    assert WEIGHTS["full_adder"][:2] == (3 + 2 * 1.5, 3 + 2 * 2.4)
    assert tech.cost(Gate("full_adder")).energy_j == tech.cost(IntegerAdder(1)).energy_j
    assert tech.cost(Gate("nand2", 5)).energy_j == pytest.approx(5 * nand.energy_j)


def test_a_float_adder_is_the_sum_of_its_blocks():
    """fp32: e = 8, m = 24, a word of 27 bits; the blocks a fused unit is made of, at the same prices."""
    blocks = [
        *(IntegerAdder(8), Multiplexer(24, 2), Multiplexer(24, 2), Shifter(27, 27), OrTree(24), Gate("xor2", 27)),
        *(IntegerAdder(27), LeadingZeroCounter(27), Shifter(27, 27), IntegerAdder(8), Rounder(24), Multiplexer(32, 2)),
    ]
    for name in NAMES:
        tech = technology.get(name)
        whole, parts = tech.cost(FloatAdder(8, 24)), [tech.cost(block) for block in blocks]
        assert whole.energy_j == pytest.approx(sum(part.energy_j for part in parts))
        assert whole.area_m2 == pytest.approx(sum(part.area_m2 for part in parts))


def test_a_float_multiplier_is_an_array_and_what_rounds_it():
    terms = FloatMultiplier(5, 11).terms()
    assert terms["integer_multiplier_cell"] == 121
    assert terms["full_adder"] == 2 * 5
    # Two operands normalised (LZC and shifter), one product shifted right, one place, the choice of the result.
    assert terms["mux2"] == 2 * 11 + 2 * 11 * 4 + 22 * 5 + 11 + 16
    assert terms["half_adder"] == terms["or2"] == 11


# Gate delays: NAND2 1, AND2 1.5, XOR2 2.4, MUX2 2, full adder 4.8, a prefix cell two NAND2.
@pytest.mark.parametrize(
    ("primitive", "delays"),
    [
        (IntegerAdder(1), 2.4 + 2.4),
        (IntegerAdder(32), 2.4 + 5 * 2 + 2.4),
        (IntegerAdder(33), 2.4 + 6 * 2 + 2.4),
        (IntegerMultiplier(1, 8), 1.5),
        (IntegerMultiplier(2, 2), 1.5 + 0 + (2.4 + 2 * 2 + 2.4)),
        (IntegerMultiplier(8, 8), 1.5 + 4 * 4.8 + (2.4 + 4 * 2 + 2.4)),
        (IntegerMultiplier(24, 24), 1.5 + 7 * 4.8 + (2.4 + 6 * 2 + 2.4)),
        (Shifter(24, 7), 3 * 2),
        (Shifter(24, 8), 4 * 2),
        (LeadingZeroCounter(27), 5 * 2),
        (Comparator(8), 2.4 + 3 * 2),
        (Multiplexer(8, 5), 3 * 2),
        (LookupTable(16, 4), 4 * 2),
        (Rounder(24), 5 * 1.5 + 2.4),
        (OrTree(24), 5 * 1.5),
        (Gate("xor2", 100), 2.4),
        (Register(64), 0),
        # exponents, swap, align, complement, add, count, normalise, round, choose
        (FloatAdder(8, 24), (4.8 + 6) + 2 + 10 + 2.4 + (4.8 + 10) + 10 + 10.8 + 9.9 + 2),
        # count, normalise, multiply, one place, shift right, round, choose
        (FloatMultiplier(5, 11), 8 + 8 + (1.5 + 5 * 4.8 + 4.8 + 10) + 2 + 10 + (4 * 1.5 + 2.4) + 2),
    ],
)
def test_gate_delays(primitive, delays):
    assert primitive.gate_delays() == pytest.approx(delays)
    assert technology.get("7nm").cost(primitive).gate_delays == primitive.gate_delays()


def test_dadda_heights():
    """The largest number of rows that each number of levels reduces to two, as Dadda lists them."""
    heights = {rows: dadda_levels(rows) for rows in range(2, 64)}
    largest = [max(rows for rows, levels in heights.items() if levels == wanted) for wanted in range(10)]
    assert largest[:9] == [2, 3, 4, 6, 9, 13, 19, 28, 42]
    assert DELAYS["nand2"] == 1


def test_delay_only_where_a_source_gives_one():
    assert technology.get("28nm").cost(Gate("nand2")).delay_s == 47.8e-12
    assert technology.get("28nm").cost(Gate("xor2")).delay_s == pytest.approx(2.4 * 47.8e-12)
    assert technology.get("28nm").cost(Shifter(8, 7)).delay_s is None
    for name in NAMES:
        if name != "28nm":
            assert technology.get(name).cost(Gate("nand2")).delay_s is None


def test_a_delay_is_not_scaled():
    with pytest.raises(ValueError, match="no rule scales the delay of nand2"):
        technology.get("28nm").prices["nand2"].scaled(0.5, 0.5, "x 0.5", "x 0.5")
