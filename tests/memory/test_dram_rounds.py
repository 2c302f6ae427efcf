"""The closed form of a stream of rounds is the command simulator's, to the cycle, for any timings and shapes."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from hwsim.base.errors import HwsimError
from hwsim.memory.dram_checker import check
from hwsim.memory.dram_commands import Command, CommandSimulator, Issued
from hwsim.memory.dram_in_order import Rounds, bank, stream
from hwsim.memory.dram_refresh import stream_cycles
from hwsim.memory.dram_rounds import RoundTimes
from hwsim.memory.dram_standards import STANDARDS
from hwsim.memory.dram_timing import DramOrganization, DramTiming

HBM2 = DramTiming()
ONE = DramOrganization(channels=1)


@st.composite
def timings(draw):
    upto = lambda most: draw(st.integers(1, most))  # noqa: E731
    column, row = upto(4), upto(8)
    long = {"tCCD_L": column + upto(6) - 1, "tRRD_L": row + upto(6) - 1}
    return DramTiming(
        burst=upto(4), RL=upto(20), WL=upto(10), tRCDRD=upto(20), tRCDWR=upto(20), tRAS=upto(40), tRP=upto(20),
        tRC=upto(60), tCCD_S=column, tRRD_S=row, tFAW=upto(40), tRTP=upto(8), tWR=upto(20),
        tREFI=draw(st.sampled_from([130, 400, 900])), tRFC=40 + upto(80), **long,
    )  # fmt: skip


@st.composite
def streams(draw):
    groups, each = draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from([1, 2, 4]))
    organization = DramOrganization(channels=1, bank_groups=groups, banks_per_group=each, bursts_per_row=8)
    visits = draw(st.integers(1, organization.banks))
    step = draw(st.one_of(st.just(visits), st.integers(0, organization.banks)))
    rounds = Rounds(visits, draw(st.integers(1, 6 * visits)), step, draw(st.booleans()))
    return organization, rounds, draw(st.integers(1, 400))


@settings(max_examples=150)
@given(timings(), streams(), st.booleans())
@example(HBM2, (ONE, Rounds(16, 512, 16), 2000), True)
@example(HBM2, (ONE, Rounds(1, 1, 0), 300), True)
def test_the_closed_form_is_the_simulators(timing, drawn, refresh):
    organization, rounds, bursts = drawn
    simulator = CommandSimulator(timing, organization)
    cycles = stream(simulator, list(rounds.requests(bursts, organization)), refresh)
    found = stream_cycles(RoundTimes(rounds, timing, organization), bursts, refresh)
    refreshes = simulator.counts["REF"] // organization.banks
    assert (found.cycles, found.refreshes, found.activates) == (cycles, refreshes, simulator.counts["ACT"])
    assert not refresh or refreshes >= (cycles - 1) // timing.tREFI - 10
    broken = {violation.rule for violation in check(simulator.trace, timing, organization)}
    assert broken <= {"tREFI"}  # drawn rounds may last longer than JEDEC lets a refresh wait


@pytest.mark.parametrize("standard", STANDARDS)
@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
def test_every_standard_over_several_refreshes(standard, write):
    """Reads and writes in sequence, single bursts of new rows in all banks, runs of four, and one bank alone."""
    known = STANDARDS[standard]
    organization, timing = known.organization, known.timing
    groups, banks = organization.bank_groups, organization.banks
    shapes = [
        Rounds(groups, groups * organization.bursts_per_row, groups, write),
        Rounds(banks, banks * organization.bursts_per_row, banks, write),
        Rounds(1, 1, 1, write),
        Rounds(1, 4, 1, write),
        Rounds(1, 1, 0, write),
    ]
    for rounds in shapes:
        bursts = min(2 * timing.tREFI // timing.burst + 17, 2500)
        simulator = CommandSimulator(timing, organization)
        cycles = stream(simulator, list(rounds.requests(bursts, organization)))
        assert stream_cycles(RoundTimes(rounds, timing, organization), bursts).cycles == cycles
        assert check(simulator.trace, timing, organization) == []


def test_one_bank_alone_waits_for_the_whole_row_cycle():
    """Reads: tRC 47, tRCD + tRTP + tRP = 33; writes: tRCD + WL + burst + tWR + tRP = 10 + 8 + 2 + 16 + 14 = 50."""
    for write, row_cycle, first in ((False, 47, 14 + 20 + 2), (True, 50, 10 + 8 + 2)):
        table = RoundTimes(Rounds(1, 1, 0, write), HBM2, ONE)
        for bursts in (1, 2, 9):
            assert stream_cycles(table, bursts).cycles == (bursts - 1) * row_cycle + first


def test_new_rows_in_all_banks_are_four_per_window():
    """tFAW 30 lets four rows be opened in 30 cycles; at 16, tRRD_S 4 is as slow and the row's cycle is hidden."""
    for window, cycles in ((30, 30), (16, 16)):
        timing = HBM2.model_copy(update={"tFAW": window, "tRCDRD": 13})
        table = RoundTimes(Rounds(1, 1, 1), timing, ONE)
        assert stream_cycles(table, 161, refresh=False).cycles == 40 * cycles + 13 + 20 + 2


def test_a_stream_of_a_gigabyte_repeats_itself():
    """The long way round (no repeated stretch of refreshes) gives the same."""
    table = RoundTimes(Rounds(4, 128, 4), HBM2, ONE)
    long = stream_cycles(table, 1 << 24)
    assert long.refreshes == pytest.approx(long.cycles / HBM2.tREFI, abs=1)
    parts = [stream_cycles(table, bursts) for bursts in (1 << 23, 3 << 22)]
    per_burst = (parts[1].cycles - parts[0].cycles) / (1 << 22)
    assert long.cycles == pytest.approx(parts[1].cycles + per_burst * (1 << 22), abs=2 * HBM2.tREFI)


@pytest.mark.parametrize(("change", "legal"), [({"tRFC": 16}, True), ({"tRFC": 15}, False), ({"tREFI": 350}, False)])
def test_a_refresh_outlasts_what_came_before_it(change, legal):
    timing = HBM2.model_copy(update=change)
    if legal:
        RoundTimes(Rounds(1, 1, 1), timing, ONE)
    else:
        with pytest.raises(HwsimError, match="a refresh"):
            RoundTimes(Rounds(1, 1, 1), timing, ONE)


def test_neighbouring_banks_lie_in_neighbouring_groups():
    assert [bank(position, ONE) for position in range(18)] == [
        0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15, 0, 4,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("last", "changed", "rule", "distance"),
    [
        ("RDA", {"tRAS": 10, "tRC": 20}, "tRP", 5 + 14),
        ("RDA", {"tRC": 40}, "tRP", 33 - 14 + 14),
        ("WRA", {}, "tRP", 8 + 2 + 16 + 14),
    ],
)
def test_a_row_that_closes_itself(last, changed, rule, distance):
    """The bank is free tRP after its own precharge, which waits for tRTP, tWR and tRAS."""
    timing = HBM2.model_copy(update=changed)
    simulator = CommandSimulator(timing, ONE)
    simulator.run([Command("ACT"), Command(last)])
    legal = simulator.cycle + distance
    for after in (Command("ACT"), Command("REF")):
        assert simulator.earliest(after) == legal
        assert check([*simulator.trace, Issued(legal, after)], timing, ONE) == []
        early = check([*simulator.trace, Issued(legal - 1, after)], timing, ONE)
        assert {violation.rule for violation in early} == {rule}
