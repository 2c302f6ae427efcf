"""FPGA resources, counted by hand."""

import pytest

from hwsim.base.errors import InputError
from hwsim.datapath import Datapath
from hwsim.technology import (
    Comparator,
    FloatAdder,
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
from hwsim.technology.fpga import FpgaCost, estimate, lut_multiplier, memory, resources


@pytest.mark.parametrize(
    ("part", "luts"),
    [
        (IntegerAdder(24), 24),
        (Rounder(24), 24),
        (Comparator(8), 4),
        (Comparator(9), 5),
        (Multiplexer(8, 1), 0),
        (Multiplexer(8, 2), 4),  # two bits a LUT
        (Multiplexer(9, 2), 5),
        (Multiplexer(8, 3), 8),
        (Multiplexer(8, 4), 8),  # UG574: 4:1 in one LUT
        (Multiplexer(8, 5), 16),
        (Multiplexer(1, 8), 2),  # 8:1 in two and F7
        (Multiplexer(1, 16), 4),
        (Multiplexer(1, 32), 8),
        (Multiplexer(2, 33), 2 * 9 + 1),  # a ninth LUT, and a 2:1 of both bits
        (Shifter(16, 15), 32),  # 4 bits of distance: two rows of 4:1
        (Shifter(16, 16), 40),  # a fifth: a row of 2:1
        (Shifter(16, 0), 0),
        (LeadingZeroCounter(24), 24),
        (OrTree(1), 0),
        (OrTree(6), 1),
        (OrTree(7), 2),
        (OrTree(11), 2),
        (OrTree(12), 3),
        (Gate("xor2", 8), 4),
        (Gate("full_adder", 8), 8),
        (LookupTable(64, 4), 4),
        (LookupTable(65, 4), 8),
        (LookupTable(512, 1), 8),
        (LookupTable(1024, 2), 2 * 16 + 1),  # F9 joins 512 entries, a LUT with two 2:1 the halves
    ],
)
def test_blocks_by_hand(part, luts):
    assert resources(part) == FpgaCost(luts=luts)


def test_a_register_is_flip_flops():
    assert resources(Register(16)) == FpgaCost(flip_flops=16)


@pytest.mark.parametrize(
    ("a", "b", "dsps"),
    [
        (4, 4, 0.25), (4, 5, 0.5), (8, 8, 0.5), (8, 9, 1), (11, 11, 1), (18, 27, 1), (27, 18, 1), (19, 27, 2),
        (18, 28, 2), (24, 24, 2), (32, 32, 4), (35, 27, 2), (36, 27, 3),
    ],
)  # fmt: skip
def test_multipliers_in_dsps(a, b, dsps):
    assert resources(IntegerMultiplier(a, b)) == FpgaCost(dsps=dsps)


@pytest.mark.parametrize(
    ("a", "b", "luts"),
    [
        (2, 2, 2),  # one pair of rows
        (4, 4, 4 + 4 + 6),  # pairs of 4, their sums of 6 bits two places apart: max(6 - 2, 6)
        (8, 8, 4 * 8 + 2 * 10 + 13),
        (4, 3, 4 + 4),  # the third row: max(6 - 2, 4)
    ],
)
def test_multipliers_in_luts(a, b, luts):
    assert lut_multiplier(a, b) == lut_multiplier(b, a) == luts
    assert resources(IntegerMultiplier(a, b), "lut") == FpgaCost(luts=luts)


def test_a_multiplier_by_one_bit_is_a_row_of_ands():
    assert resources(IntegerMultiplier(8, 1)) == FpgaCost(luts=4)
    assert resources(IntegerMultiplier(8, 0)) == FpgaCost()


def test_a_float_adder_is_its_blocks():
    """fp16: exponent 5, significand 11, word 14."""
    swap, shift, normalise = 2 * 6, 28, 28  # 2:1 of 11 bits twice; 14 bits by 0 to 14: two rows of 4:1
    by_hand = 5 + swap + shift + 2 + 7 + 14 + 14 + normalise + 5 + 11 + 8
    assert resources(FloatAdder(5, 11)) == FpgaCost(luts=by_hand)


@pytest.mark.parametrize(
    ("capacity", "width", "blocks"),
    [(4096, 8, 1), (4608, 9, 1), (4609, 9, 2), (64 * 1024, 8, 16), (1 << 20, 64, 57 * 4), (32, 32, 4), (1, 1, 1)],
)
def test_block_rams(capacity, width, blocks):
    """4 KiB of 64-bit words are 512 of 72 bits; 16 Ki words of 512 bits are 57 blocks of 9 bits wide, four deep."""
    assert memory(capacity, width) == FpgaCost(bram36=blocks)


def test_an_int8_lane_by_hand():
    fields = {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 24, "overflow": "saturate"}}
    found = Datapath.model_validate(fields).fpga()
    assert found.by_part == {
        "multiplier": FpgaCost(dsps=0.5),
        "accumulator register": FpgaCost(flip_flops=24),
        "accumulator adder": FpgaCost(luts=24),
        "saturation": FpgaCost(luts=24),
    }
    assert found.total == FpgaCost(luts=48, flip_flops=24, dsps=0.5)
    assert Datapath.model_validate(fields).fpga("lut").total == FpgaCost(luts=48 + 65, flip_flops=24)


def test_a_fused_block_is_shared_by_its_lanes():
    fields = {"operands": {"a": "e4m3fn", "b": "e4m3fn"}, "accumulator": "fp32"}
    reduction = {"kind": "fused", "lanes": 32, "align_bits": 25}
    found = estimate(Datapath.model_validate(fields | {"reduction": reduction}))
    assert found.by_part["multiplier"] == FpgaCost(dsps=0.25)
    assert found.by_part["rounder"].luts == 24 / 32
    assert all(cost.sources for cost in found.by_part.values())


def test_every_primitive_has_a_rule():
    for kind in Primitive.__subclasses__():
        if kind.__name__ == "Composite":
            continue
        fields = {"kind": "nand2"} if kind is Gate else {}
        widths = {name: 3 for name in kind.__dataclass_fields__ if name not in fields}
        assert resources(kind(**fields, **widths)).sources


def test_what_has_no_rule_says_so():
    class Unknown(Register):
        pass

    with pytest.raises(InputError, match="no rule says what Unknown takes"):
        resources(Unknown(1))
