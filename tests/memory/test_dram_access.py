"""Access patterns: where the closed form is exact it is the simulator's, and where it is a bound both sides hold."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from hwsim.memory.dram_access import Access, AccessPattern, access_timing
from hwsim.memory.dram_checker import check
from hwsim.memory.dram_commands import CommandSimulator
from hwsim.memory.dram_in_order import Rounds, bank, stream
from hwsim.memory.dram_standards import STANDARDS, get
from hwsim.memory.dram_stream import Request, serve
from hwsim.technology import dram as prices

MAPPINGS = ["row:bank:column:group", "row:column:bank", "row:bank:column"]
KIB = 1024


def addressed(burst, mapping, organization):
    """(bank, row, column) of a burst of one channel, the mapping read from high to low."""
    sizes = {
        "row": organization.rows,
        "bank": organization.banks_per_group if mapping.endswith("group") else organization.banks,
        "column": organization.bursts_per_row,
        "group": organization.bank_groups,
    }
    found = {}
    for part in reversed(mapping.split(":")):
        burst, found[part] = divmod(burst, sizes[part])
    place = found["bank"]
    if "group" in found:
        return found["group"] * organization.banks_per_group + place, found["row"], found["column"]
    return bank(place, organization), found["row"], found["column"]


def simulated(bursts, standard, mapping, write=False, refresh=True):
    """A stream of addresses in one channel; a round ends where the next burst would come back to the first bank."""
    organization = standard.organization
    neighbours = {MAPPINGS[0]: organization.bank_groups, MAPPINGS[1]: organization.banks, MAPPINGS[2]: 1}[mapping]
    rounds, span = {}, neighbours * organization.bursts_per_row
    for burst in bursts:
        rounds.setdefault(burst // span, []).append(Request(write, *addressed(burst, mapping, organization)))
    simulator = CommandSimulator(standard.timing, organization)
    cycles = stream(simulator, list(rounds.values()), refresh)
    assert check(simulator.trace, standard.timing, organization, refresh) == []
    return cycles, simulator


@pytest.mark.parametrize("mapping", MAPPINGS)
@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
@pytest.mark.parametrize("name", ["DDR4", "LPDDR4", "HBM2"])
def test_a_sequential_stream_is_exact(name, write, mapping):
    standard = get(name)
    organization = standard.organization
    bursts = 2304
    total = bursts * organization.burst_bytes * organization.channels
    found = access_timing(AccessPattern(bytes=total, writes=write, mapping=mapping), standard)
    cycles, simulator = simulated(range(bursts), standard, mapping, write)
    assert found.exact
    assert found.cycles == cycles
    assert found.refreshes == simulator.counts["REF"] // organization.banks
    assert found.activates == organization.channels * simulator.counts["ACT"]
    assert found.row_hits == organization.channels * (bursts - simulator.counts["ACT"])


@settings(max_examples=25)
@given(
    st.sampled_from(sorted(STANDARDS)), st.sampled_from(MAPPINGS), st.integers(1, 12), st.integers(1, 7),
    st.integers(1, 80), st.booleans(),
)  # fmt: skip
def test_strided_runs_of_whole_rows_apart_are_exact(name, mapping, run, rows, count, write):
    """Strides of whole lines of rows: the bank of each run follows from the address."""
    standard = get(name)
    organization = standard.organization
    neighbours = {MAPPINGS[0]: organization.bank_groups, MAPPINGS[1]: organization.banks, MAPPINGS[2]: 1}[mapping]
    apart = rows * neighbours * organization.bursts_per_row
    every = organization.channels * organization.burst_bytes
    pattern = AccessPattern(
        interleave=organization.burst_bytes,
        bytes=run * every * count,
        run=run * every,
        stride=apart * every,
        writes=write,
        mapping=mapping,
    )
    found = access_timing(pattern, standard)
    cycles, simulator = simulated(
        (number * apart + burst for number in range(count) for burst in range(run)), standard, mapping, write
    )
    assert (found.exact, found.cycles) == (True, cycles)
    assert found.activates == organization.channels * simulator.counts["ACT"]


@settings(max_examples=60)
@given(st.sampled_from(MAPPINGS), st.integers(1, 20), st.integers(0, 3000), st.integers(1, 60), st.booleans())
def test_runs_at_any_stride_lie_between_the_bus_and_one_bank(mapping, run, gap, count, write):
    """DDR4 has one channel, so that the addresses of a run need no spreading."""
    standard = get("DDR4")
    apart = run + gap
    pattern = AccessPattern(
        bytes=64 * run * count, run=64 * run, stride=64 * apart, writes=write, mapping=mapping, interleave=64
    )
    found = access_timing(pattern, standard, refresh=False)
    cycles, _ = simulated(
        (number * apart + burst for number in range(count) for burst in range(run)), standard, mapping, write, False
    )
    assert found.at_least <= cycles <= found.at_most
    assert not found.exact or found.cycles == cycles


@settings(max_examples=40)
@given(st.sampled_from(sorted(STANDARDS)), st.sampled_from([1, 2, 4, 7]), st.integers(1, 120), st.booleans(), st.data())
def test_random_runs_lie_between_all_banks_in_turn_and_one_bank(name, run, count, write, data):
    standard = get(name)
    organization = standard.organization
    banks = data.draw(st.lists(st.integers(0, organization.banks - 1), min_size=count, max_size=count))
    every = organization.channels * organization.burst_bytes
    pattern = AccessPattern(
        interleave=1,
        bytes=run * every * count,
        run=run * every,
        order="random",
        writes=write,
        mapping="row:bank:column",
    )
    found = access_timing(pattern, standard, refresh=False)
    rounds = [[Request(write, each, row, column) for column in range(run)] for row, each in enumerate(banks)]
    cycles = stream(CommandSimulator(standard.timing, organization), rounds, refresh=False)
    assert found.at_least <= cycles <= found.at_most
    assert found.at_least <= found.cycles <= found.at_most
    for sequence, bound in ((range(count), found.cycles), ([0] * count, found.at_most)):
        rounds = [
            [Request(write, bank(each, organization), row, column) for column in range(run)]
            for row, each in enumerate(sequence)
        ]
        assert stream(CommandSimulator(standard.timing, organization), rounds, refresh=False) == bound


@pytest.mark.parametrize("name", STANDARDS)
@pytest.mark.parametrize("turns", [1, 2, 7])
def test_mixed_streams_lie_between_the_bus_and_draining_at_each_turn(name, turns):
    standard = get(name)
    organization = standard.organization
    groups = organization.bank_groups
    every = organization.channels * organization.burst_bytes
    bursts = 64 * groups
    pattern = AccessPattern(
        interleave=1,
        bytes=2 * bursts * every,
        run=8 * groups * every,
        writes=0.5,
        turns=turns,
        mapping="row:bank:column:group",
    )
    found = access_timing(pattern, standard, refresh=False)
    rounds, count = [], turns + 1
    for number in range(count):
        pieces = count // 2 if number % 2 else count - count // 2
        share = bursts * (number // 2 + 1) // pieces - bursts * (number // 2) // pieces
        shape = Rounds(groups, 8 * groups, groups, bool(number % 2))
        rounds += list(shape.requests(share, organization))
    rounds = [[Request(r.write, r.bank, row, r.column) for r in each] for row, each in enumerate(rounds)]
    simulator = CommandSimulator(standard.timing, organization)
    cycles = stream(simulator, rounds, refresh=False)
    assert check(simulator.trace, standard.timing, organization, refresh=False) == []
    assert found.at_least < cycles <= found.at_most == found.cycles
    assert not found.exact


@pytest.mark.parametrize("name", ["DDR4", "LPDDR4", "HBM2", "HBM3E"])
def test_a_reordering_controller_comes_close(name):
    """First-ready first-come-first-served, 64 requests deep: within 1 % in sequence, 11 % with random rows."""
    standard = get(name)
    organization = standard.organization
    every = organization.channels * organization.burst_bytes
    requests = [Request(False, *addressed(burst, MAPPINGS[0], organization)) for burst in range(1500)]
    reordered = serve(CommandSimulator(standard.timing, organization), requests, refresh=False)
    found = access_timing(AccessPattern(bytes=1500 * every), standard, refresh=False)
    assert 0.99 < reordered / found.cycles <= 1
    draw = random.Random(1)
    rows = [Request(False, draw.randrange(organization.banks), row, 0) for row in range(500)]
    reordered = serve(CommandSimulator(standard.timing, organization), rows)
    found = access_timing(AccessPattern(bytes=500 * every, run=every, order="random", interleave=1), standard)
    assert 1 <= reordered / found.cycles < 1.11


@pytest.mark.parametrize("name", STANDARDS)
def test_the_buses_carry_the_bandwidth_of_the_price_list(name):
    standard = STANDARDS[name]
    assert set(STANDARDS) == set(prices.STANDARDS)
    assert standard.peak_bytes_per_s == pytest.approx(prices.get(name).bandwidth_bytes_per_s, rel=0.002)
    timing = standard.timing
    assert timing.tRAS + timing.tRP - 1 <= timing.tRC <= timing.tRAS + timing.tRP + 1
    assert {number.status for number in standard.numbers()} <= {"read", "recalled", "assumed"}


def test_a_longer_run_is_no_slower_and_peak_is_never_reached():
    standard = get("HBM3")
    rates = [
        access_timing(AccessPattern(bytes=1 << 24, run=run, order="random"), standard).efficiency
        for run in (32, 1 << 10, 1 << 12, 1 << 17)
    ]
    assert rates == sorted(rates)
    assert rates[-1] <= access_timing(AccessPattern(bytes=1 << 24), standard).efficiency < 1


def test_what_a_burst_moves_beyond_the_run_is_wasted():
    standard = get("DDR5")
    whole, half = (
        access_timing(AccessPattern(bytes=wanted << 10, run=wanted, order="random"), standard) for wanted in (64, 32)
    )
    assert (whole.bursts, whole.cycles) == (half.bursts, half.cycles)
    assert whole.efficiency == pytest.approx(2 * half.efficiency)


def test_a_stride_of_all_channels_uses_one():
    """Sixteen channels of 32 B: every 512 B is the same channel, every 544 B the next one."""
    standard = get("HBM2")
    one, all_of_them = (
        access_timing(AccessPattern(bytes=32 << 12, run=32, stride=stride, interleave=32), standard)
        for stride in (512, 544)
    )
    assert one.efficiency < all_of_them.efficiency / 8
    assert one.bursts == all_of_them.bursts == 1 << 12


def test_the_busiest_channel_takes_longest():
    """HBM2's 16 channels get blocks of 256 B: 17 blocks put two into the first."""
    one, two, all_two = (
        access_timing(AccessPattern(bytes=256 * blocks), get("HBM2")).cycles for blocks in (16, 17, 32)
    )
    assert one < two == all_two


def test_blocks_of_a_channel_keep_a_run_together():
    """256 B of HBM2 are eight bursts: of one row in one channel, or of eight rows in eight channels."""
    together, apart = (
        access_timing(AccessPattern(bytes=1 << 22, run=256, order="random", interleave=block), get("HBM2"))
        for block in (256, 32)
    )
    assert together.bursts == apart.bursts == 1 << 17
    assert (together.activates, apart.activates) == (1 << 16, 1 << 17)  # four bank groups have two bursts each
    assert together.cycles < apart.cycles


def test_more_stacks_take_less_time():
    standard = get("HBM2")
    one, four = (access_timing(AccessPattern(bytes=1 << 26), standard, parts) for parts in (1, 4))
    assert four.time_s < one.time_s / 3.9
    assert four.efficiency == pytest.approx(one.efficiency, rel=0.01)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"order": "random"}, "a random access has a run"),
        ({"order": "sequential", "run": 64}, "a sequential access has no run"),
        ({"run": 64, "stride": 32}, "a stride is the distance of strided runs"),
        ({"run": 64, "order": "random", "stride": 128}, "a stride is the distance of strided runs"),
        ({"mapping": "bank:row"}, "row:bank:column:group"),
        ({"run": "0 B"}, "greater than 0"),
    ],
)
def test_what_is_no_access_is_said(fields, message):
    with pytest.raises(ValidationError, match=message):
        Access.model_validate(fields)


def test_a_run_alone_is_strided():
    assert Access.model_validate({"run": "256 B"}).order == "strided"
    assert Access().order == "sequential"
