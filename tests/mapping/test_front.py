"""The front of cycles and energy against brute force over the whole map space."""

from hypothesis import given, settings
from hypothesis import strategies as st
from small_chips import CHIPS, CLOCK, PARTIAL, SYSTOLIC, WIDTHS, chips, dram, every_mapping, shapes, sram

from hwsim.mapping import map_front, map_gemm
from hwsim.units.base import Gemm

prices = st.integers(1, 9)


def joules(mapping, energies):
    return sum(energies[name][way == "write"] * bits for (name, _, way), bits in mapping.bits.items())


@settings(max_examples=25)
@given(chip=chips, shape=shapes, dear=prices, cheap=prices)
def test_the_front_is_that_of_all_mappings(chip, shape, dear, cheap):
    unit, memory = CHIPS[chip]
    gemm = Gemm(*(min(extent, 4) for extent in shape)) if len(memory) > 3 or chip == "two stages" else Gemm(*shape)
    energies = {name: (dear, cheap + place) for place, name in enumerate(memory)}  # whole numbers: exact sums
    wanted = []
    for cycles, spent in sorted(every_mapping(gemm, unit, memory, energies)):
        if not wanted or spent < wanted[-1][1]:
            wanted.append((cycles, spent))
    front = map_front(gemm, unit, memory, CLOCK, WIDTHS, PARTIAL, energies=energies)
    assert [(mapping.cycles, joules(mapping, energies)) for mapping in front] == wanted
    assert all("on the whole front of all numbers of equal tiles" in str(mapping.guarantee) for mapping in front)


def front_with_a_choice(**options):
    memory = {"dram": dram(1.5), "buffer": sram(300, 6.5, double_buffered=True)}
    energies = {"dram": (20, 20), "buffer": (1, 1)}
    return map_front(Gemm(12, 9, 14), SYSTOLIC, memory, CLOCK, WIDTHS, PARTIAL, energies=energies, **options), (
        memory, energies,
    )  # fmt: skip


def test_the_ends_of_a_front_are_the_best_of_each():
    front, (memory, energies) = front_with_a_choice()
    assert len(front) > 1
    for objective, point in (("cycles", front[0]), ("energy", front[-1])):
        best = map_gemm(
            Gemm(12, 9, 14), SYSTOLIC, memory, CLOCK, WIDTHS, PARTIAL, energies=energies, objective=objective
        )
        assert (best.cycles, joules(best, energies)) == (point.cycles, joules(point, energies))


def test_a_front_that_was_stopped_says_so():
    front, _ = front_with_a_choice(effort=1)
    assert all("as far as it was searched" in str(mapping.guarantee) for mapping in front)


def test_a_front_with_a_part_fixed():
    front, _ = front_with_a_choice(fixed={"stages": [{"order": "kmn", "m": 4}]})
    assert {mapping.levels[0].tile[0] for mapping in front} == {4}
    assert {mapping.levels[0].order for mapping in front} == {(2, 0, 1)}
