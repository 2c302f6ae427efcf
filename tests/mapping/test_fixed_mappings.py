"""Mappings that are written and fixed again; what is wrong with them is said at its place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_chips import CHIPS, CLOCK, CORES, PARTIAL, SPATIAL, SYSTOLIC, WIDTHS, chips, dram, sram

from hwsim.base.document import parse_document
from hwsim.base.errors import HwsimError, InputError
from hwsim.mapping import map_gemm
from hwsim.mapping.fixed import Mappings, Unmappable
from hwsim.units.base import Gemm, Window

BUFFER = {"dram": dram(4), "buffer": sram(1000, 8, double_buffered=True)}


def mapped(gemm, unit, memory, **options):
    return map_gemm(gemm, unit, memory, CLOCK, WIDTHS, PARTIAL, **options)


@settings(max_examples=40)
@given(
    chip=chips,
    shape=st.tuples(*[st.integers(1, 14)] * 3),
    count=st.sampled_from([1, 5]),
    objective=st.sampled_from(["cycles", "energy", "edp", "traffic"]),
)
def test_a_saved_mapping_comes_back_the_same(chip, shape, count, objective):
    unit, memory = CHIPS[chip]
    one = mapped(Gemm(*shape, count), unit, memory, objective=objective)
    again = mapped(Gemm(*shape, count), unit, memory, objective=objective, fixed=one.data())
    assert (again.cycles, again.traffic, again.bits) == (one.cycles, one.traffic, one.bits)
    assert (again.levels, again.unrolling, again.groups) == (one.levels, one.unrolling, one.groups)


def test_a_convolution_comes_back_the_same():
    window = Window(2, (5, 6), 4, (3, 3), (7, 8))
    gemm = Gemm(60, 7, 36)
    memory = {"dram": dram(4), "buffer": sram(400, 8, double_buffered=True)}
    one = mapped(gemm, SPATIAL, memory, window=window)
    again = mapped(gemm, SPATIAL, memory, window=window, fixed=one.data())
    assert (again.cycles, again.bits, again.levels) == (one.cycles, one.bits, one.levels)


@given(m=st.integers(1, 9), order=st.sampled_from(["mnk", "mkn", "nmk", "nkm", "kmn", "knm"]), edited=st.booleans())
def test_what_is_fixed_is_kept_and_never_better(m, order, edited):
    fixed = {"m": m} if edited else {"m": m, "order": order}
    one = mapped(Gemm(9, 8, 7), SYSTOLIC, BUFFER, fixed={"stages": [fixed]})
    assert one.tile[0] == m
    assert edited or "".join(one.order) == order
    assert one.cycles >= mapped(Gemm(9, 8, 7), SYSTOLIC, BUFFER).cycles
    assert str(one.guarantee).startswith(
        "optimal among all numbers of equal tiles, all loop orders that agree with what is fixed"
    )


@pytest.mark.parametrize(
    ("unit", "memory", "fixed", "place", "words"),
    [
        (SYSTOLIC, BUFFER, {"stages": [{"m": 40, "n": 40, "k": 40}]}, ("stages", 0),
         "does not fit memories.buffer: its smallest tile with what is fixed, 40x40x40, needs 8000 B of 500 B"),
        (SYSTOLIC, BUFFER, {"stages": [{}, {"m": 2}]}, ("stages", 1), "2 stages are fixed, the memories make 1"),
        (SYSTOLIC, BUFFER, {"stages": [{"memories": ["sums"]}]}, ("stages", 0, "memories"), r"are \['buffer'\]"),
        (SYSTOLIC, BUFFER, {"stages": [{"cores": [1, 1]}]}, ("stages", 0, "cores"), "no core's own"),
        (SYSTOLIC, BUFFER, {"unroll": {"K": 2}}, ("unroll",), "systolic has no loops to unroll"),
        (SPATIAL, BUFFER, {"unroll": {"K": 4}}, ("unroll",),
         r"K 4 cannot be spread over the array of 3 \(K\) x 2 \(C, OX\)"),
        (SPATIAL, BUFFER, {"unroll": {"C": 2, "OX": 2}}, ("unroll",), "C 2 x OX 2 cannot"),
        (CORES, CHIPS["cores"][1], {"stages": [{}, {"cores": [2, 2]}]}, ("stages", 1, "cores"), "4 cores of 3"),
        (CORES, CHIPS["cores"][1], {"stages": [{"m": 3}]}, ("stages", 0, "m"), "ends within .* expected 2 or 4"),
        (SYSTOLIC, CHIPS["two stages"][1], {"stages": [{"k": 2}, {"k": 4}]}, ("stages", 1, "k"),
         "4 steps along k does not fit inside that of the stage outside, 2"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_at_its_place(unit, memory, fixed, place, words):
    with pytest.raises(Unmappable, match=words) as caught:
        mapped(Gemm(40, 40, 40), unit, memory, fixed=fixed)
    assert caught.value.place == place
    assert "\n" not in str(caught.value)


def test_unrolling_up_to_the_array_is_accepted():
    one = mapped(Gemm(40, 40, 40), SPATIAL, BUFFER, fixed={"unroll": {"K": 3, "OX": 2}})
    assert one.unrolling == {"K": 3, "OX": 2}
    assert SPATIAL.has_room_for({"K": 3, "C": 2})
    assert not SPATIAL.has_room_for({"K": 3, "C": 2, "OX": 2})
    assert not SPATIAL.has_room_for({"B": 2})


FILE = """\
mappings:
  up:
    unroll: {K: 4}
    stages:
      - {m: 8, order: nmk}
      -
"""


def test_a_file_of_mappings():
    found = Mappings.from_document(parse_document(FILE, "some.yaml"))
    assert found.fixed() == {"up": {"unroll": {"K": 4}, "stages": [{"m": 8, "order": "nmk"}, None]}}
    found.check_names(["up", "down"])
    with pytest.raises(InputError, match=r"some.yaml:2:3: mappings.up: the workload has no product 'up'; .* 'ups'"):
        found.check_names(["ups"])
    error = found.error("up", Unmappable("too large", ("stages", 0, "m")))
    assert str(error) == "some.yaml:5:13: mappings.up.stages[0].m: too large"
    assert str(found.error("up", HwsimError("no"))).startswith("some.yaml:3:5: mappings.up: no")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (("nmk", "nnk"), r"some.yaml:5:23: mappings.up.stages\[0\].order: expected one of 'mnk', .*, got 'nnk'"),
        (("m: 8", "m: 0"), r"some.yaml:5:13: mappings.up.stages\[0\].m: expected an integer above 0"),
        (("unroll", "unrol"), r"some.yaml:3:5: mappings.up: unknown key 'unrol'; did you mean 'unroll'"),
        (("K: 4", "Q: 4"), r"some.yaml:3:14: mappings.up.unroll: unknown key 'Q'"),
    ],
)
def test_a_broken_file_of_mappings(edit, words):
    with pytest.raises(InputError, match=words):
        Mappings.from_document(parse_document(FILE.replace(*edit), "some.yaml"))
