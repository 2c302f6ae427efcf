"""DRAM commands: the simulator waits exactly as long as each constraint asks, and the checker sees each one broken."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.base.errors import HwsimError
from hwsim.memory.dram_checker import POSTPONED_REFRESHES, check
from hwsim.memory.dram_commands import Command, CommandSimulator, Issued
from hwsim.memory.dram_stream import Request, sequential, serve
from hwsim.memory.dram_timing import DramOrganization, DramTiming

HBM2 = DramTiming()
ONE = DramOrganization(channels=1)
ACT, PRE, RD, WR, REF = (
    lambda bank=0, row=0, op=op: Command(op, bank, row) for op in ("ACT", "PRE", "RD", "WR", "REF")
)

# (what precedes, the command that must wait, timings that make one constraint the binding one, its name, distance);
# the distance is from the last command of the prefix. Sums are JEDEC's, written out.
PLANTED = [
    ([ACT()], RD(), {}, "tRCDRD", 14),
    ([ACT()], WR(), {}, "tRCDWR", 10),
    ([ACT()], PRE(), {}, "tRAS", 33),
    ([ACT(), PRE()], ACT(), {"tRC": 40}, "tRP", 14),
    ([ACT(), PRE()], ACT(), {"tRC": 60}, "tRC", 60 - 33),
    ([ACT(0)], ACT(1), {}, "tRRD_L", 6),
    ([ACT(0)], ACT(4), {}, "tRRD_S", 4),
    ([ACT(0), ACT(4), ACT(8), ACT(12)], ACT(1), {"tFAW": 30}, "tFAW", 30 - 12),
    ([ACT(), RD()], RD(), {}, "tCCD_L", 4),
    ([ACT(0), ACT(4), RD(0)], RD(4), {"tRRD_S": 1, "burst": 1}, "tCCD_S", 2),
    ([ACT(), WR()], WR(), {}, "tCCD_L", 4),
    ([ACT(0), ACT(4), WR(0)], WR(4), {"tRRD_S": 1, "burst": 1}, "tCCD_S", 2),
    ([ACT(0), ACT(4), RD(0)], RD(4), {"burst": 3, "tRRD_S": 1}, "burst", 3),
    ([ACT(0), ACT(4), WR(0)], WR(4), {"burst": 3, "tRRD_S": 1}, "burst", 3),
    ([ACT(), RD()], WR(), {}, "read to write", 20 + 2 + 1 - 8),
    ([ACT(0), ACT(4), RD(0)], WR(4), {}, "read to write", 20 + 2 + 1 - 8),
    ([ACT(), WR()], RD(), {}, "tWTR_L", 8 + 2 + 9),
    ([ACT(0), ACT(4), WR(0)], RD(4), {}, "tWTR_S", 8 + 2 + 4),
    ([ACT(), RD()], PRE(), {"tRAS": 10}, "tRTP", 5),
    ([ACT(), WR()], PRE(), {}, "tWR", 8 + 2 + 16),
    ([ACT(), PRE()], REF(), {}, "tRP", 14),
    ([REF()], ACT(), {}, "tRFC", 350),
    ([REF()], REF(), {}, "tRFC", 350),
]


def run(commands, timing, organization=ONE):
    simulator = CommandSimulator(timing, organization)
    simulator.run(commands)
    return simulator


@pytest.mark.parametrize(("before", "command", "changed", "rule", "distance"), PLANTED)
def test_each_constraint_at_its_limit_and_one_cycle_before(before, command, changed, rule, distance):
    timing = HBM2.model_copy(update=changed)
    simulator = run(before, timing)
    legal = simulator.cycle + distance
    assert simulator.earliest(command) == legal
    assert check([*simulator.trace, Issued(legal, command)], timing, ONE) == []
    early = check([*simulator.trace, Issued(legal - 1, command)], timing, ONE)
    assert {violation.rule for violation in early} == {rule}
    assert all(str(violation.expected) in str(violation) for violation in early)


def test_a_broadcast_reaches_every_second_bank_and_waits_for_all_of_them():
    enter = [ACT(1, 7), Command("PREA", mode="HAB")]
    simulator = run([*enter, ACT(1, 5)], HBM2)
    assert [bank for bank, row in enumerate(simulator.open_row) if row == 5] == list(range(1, 16, 2))
    assert simulator.counts["ACT"] == 1 + 8
    assert simulator.trace[-1].cycle == 33 + 14
    # In a broadcast every bank group is busy, so even another bank's column command waits tCCD_L.
    simulator.run([ACT(0, 5), RD(0, 5)])
    last = simulator.cycle
    assert simulator.issue(RD(1, 5)) == last + 4
    assert check(simulator.trace, HBM2, ONE) == []
    trace = [*simulator.trace[:-1], Issued(last + 3, RD(1, 5))]
    assert {violation.rule for violation in check(trace, HBM2, ONE)} == {"tCCD_L"}


def test_the_bus_takes_one_command_per_cycle():
    assert CommandSimulator(HBM2, ONE).issue(ACT()) == 0
    trace = [Issued(0, ACT(0)), Issued(6, ACT(4)), Issued(6, PRE(8))]
    assert [violation.rule for violation in check(trace, HBM2, ONE)] == ["command bus"]


@pytest.mark.parametrize(
    ("before", "command", "rule"),
    [
        ([ACT(0, 1)], ACT(0, 2), "row open"),
        ([ACT(0, 1)], RD(0, 2), "row not open"),
        ([], WR(0, 2), "row not open"),
        ([ACT(3, 1)], REF(), "row open"),
    ],
)
def test_a_command_in_the_wrong_state_is_refused_and_reported(before, command, rule):
    simulator = run(before, HBM2)
    with pytest.raises(HwsimError, match=command.operation):
        simulator.issue(command)
    trace = [*simulator.trace, Issued(simulator.cycle + 400, command)]
    assert {violation.rule for violation in check(trace, HBM2, ONE)} == {rule}


def test_eight_refreshes_may_be_postponed_and_no_ninth():
    limit = (POSTPONED_REFRESHES + 1) * HBM2.tREFI
    assert check([Issued(limit - 1, ACT())], HBM2, ONE) == []
    assert [violation.rule for violation in check([Issued(limit, ACT())], HBM2, ONE)] == ["tREFI"]
    assert check([Issued(limit, ACT())], HBM2, ONE, refresh=False) == []
    assert check([Issued(0, REF()), Issued(limit, ACT())], HBM2, ONE) == []


@pytest.mark.parametrize("symbol", ["tCCD", "tRRD", "tWTR"])
def test_another_bank_group_is_no_slower(symbol):
    assert getattr(DramTiming(**{f"{symbol}_S": 5, f"{symbol}_L": 5}), f"{symbol}_S") == 5
    with pytest.raises(ValueError, match=f"{symbol}_S .* must not exceed {symbol}_L"):
        DramTiming(**{f"{symbol}_S": 6, f"{symbol}_L": 5})


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 15), st.integers(0, 2), st.integers(0, 3)), max_size=60))
def test_a_host_stream_breaks_nothing_and_serves_everything(drawn):
    requests = [Request(*one) for one in drawn]
    simulator = CommandSimulator(HBM2.model_copy(update={"tREFI": 400}), ONE)
    serve(simulator, requests)
    assert check(simulator.trace, simulator.timing, ONE) == []
    columns = [issued.command for issued in simulator.trace if issued.command.operation in ("RD", "WR")]
    assert sorted((c.operation == "WR", c.bank, c.row, c.column) for c in columns) == sorted(drawn)


def test_host_streams_take_as_long_as_in_the_public_simulator():
    """PIMSimulator without PIM: 9,042 cycles for a GEMV of 4096 × 1024, 6,651 to add two vectors of 1 Mi fp16.

    This model is 0.3 % and 0.7 % below: it streams the matrix alone, without the vectors' few bursts, and
    needs no queue to fill and no answer to travel back before the phases of a kernel follow each other.
    """
    channels, burst = 64, 32
    gemv = CommandSimulator(HBM2, ONE)
    cycles = serve(gemv, list(sequential(0, 4096 * 1024 * 2 // burst // channels, ONE)))
    assert 0.995 < cycles / 9042 < 1
    assert check(gemv.trace, HBM2, ONE) == []
    add = CommandSimulator(HBM2, ONE)
    vector = (1 << 20) * 2 // burst // channels
    serve(add, list(sequential(0, 2 * vector, ONE)))
    assert 0.99 < serve(add, list(sequential(2 * vector, vector, ONE, write=True))) / 6651 < 1
    assert check(add.trace, HBM2, ONE) == []
