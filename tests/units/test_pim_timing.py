"""PIM kernels: the closed form is the command simulator to the cycle, and no trace breaks a timing constraint."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.base.errors import InputError
from hwsim.memory.dram_checker import check
from hwsim.memory.dram_timing import DramOrganization, DramTiming
from hwsim.units.pim_program import GemvWork, PimProgram, PimShape
from hwsim.units.pim_timing import PimCycles, require_regular

HBM2 = DramTiming()
HBM_PIM = PimShape(DramOrganization(), lanes=16, registers=8)
SMALL = PimShape(DramOrganization(channels=1, bank_groups=2, banks_per_group=2, bursts_per_row=4), lanes=4, registers=2)


@st.composite
def timings(draw: st.DrawFn) -> DramTiming:
    """Any regular set of timings, refresh interval and all."""
    pick = lambda low, high: draw(st.integers(low, high))  # noqa: E731
    tRCDRD, tRCDWR, tRP, WL, tWR, tRTP = pick(1, 20), pick(1, 20), pick(2, 20), pick(1, 12), pick(1, 20), pick(1, 12)
    burst, tCCD_S, tRRD_S = pick(1, 4), pick(1, 4), pick(1, 6)
    tCCD_L = pick(tCCD_S, 2 * max(tCCD_S, burst))
    tRRD_L = pick(tRRD_S, min(2 * tRRD_S, max(tRRD_S, tRCDWR + tCCD_L)))
    row = max(tCCD_L, burst)
    tRAS = pick(1, max(1, min(tRCDWR + WL + burst + tWR, tRCDRD + row + tRTP)))
    return DramTiming(
        burst=burst, RL=pick(1, 24), WL=WL, tRCDRD=tRCDRD, tRCDWR=tRCDWR, tRAS=tRAS, tRP=tRP,
        tRC=pick(1, tRAS + tRP), tCCD_S=tCCD_S, tCCD_L=tCCD_L, tRRD_S=tRRD_S, tRRD_L=tRRD_L,
        tFAW=pick(1, tRAS + tRP), tRTP=tRTP, tWR=tWR, tWTR_S=pick(1, 4), tWTR_L=pick(4, 12), tRTRS=pick(0, 2),
        tREFI=pick(150, 1200), tRFC=pick(1, 200),
    )  # fmt: skip


SHAPES = (
    SMALL,
    PimShape(DramOrganization(channels=2, bank_groups=2, banks_per_group=4, bursts_per_row=4), lanes=2, registers=4),
    PimShape(DramOrganization(channels=1, bank_groups=4, banks_per_group=2, bursts_per_row=16), lanes=1, registers=4),
)


@given(timings(), st.sampled_from(SHAPES), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), st.integers(1, 2),
       st.booleans(), st.booleans())  # fmt: skip
def test_gemv_closed_form_is_the_simulator(timing, shape, tiles, out, vectors, products, results, refresh):
    try:
        require_regular(timing, shape)
    except InputError:
        return
    work = GemvWork(out * shape.outputs_per_tile, tiles * shape.inputs_per_tile, vectors, products)
    program, cycles = PimProgram(shape, timing, refresh), PimCycles(shape, timing, refresh)
    assert cycles.gemv(work, results) == program.gemv(work, results)
    assert cycles.refreshes == program.refreshes
    assert cycles.activates == program.simulator.counts["ACT"]
    assert check(program.simulator.trace, timing, shape.organization, refresh) == []


@given(timings(), st.sampled_from(SHAPES), st.sampled_from(("add", "mul", "relu")), st.integers(1, 9), st.booleans())
def test_elementwise_closed_form_is_the_simulator(timing, shape, operation, steps, refresh):
    try:
        require_regular(timing, shape)
    except InputError:
        return
    elements = steps * shape.elements_per_step
    program, cycles = PimProgram(shape, timing, refresh), PimCycles(shape, timing, refresh)
    assert cycles.elementwise(operation, elements) == program.elementwise(operation, elements)
    assert cycles.refreshes == program.refreshes
    assert cycles.activates == program.simulator.counts["ACT"]
    assert check(program.simulator.trace, timing, shape.organization, refresh) == []


def test_a_long_run_of_hbm_pim_refreshes_in_time():
    program, cycles = PimProgram(HBM_PIM, HBM2), PimCycles(HBM_PIM, HBM2)
    work = GemvWork(outputs=4096, inputs=4096)
    assert cycles.gemv(work) == program.gemv(work)
    assert cycles.refreshes == program.refreshes == 3  # 13,253 cycles, one refresh every 3,900
    assert check(program.simulator.trace, HBM2, HBM_PIM.organization) == []
    # The blocks compute in HAB_PIM only, and every weight is used: 32 tiles of 64 bursts.
    assert sum(issued.command.work == "mac" for issued in program.simulator.trace) == 32 * 64


@pytest.mark.parametrize("symbol", ["tRC", "tFAW"])
def test_a_regular_dram_at_its_limit_and_beyond(symbol):
    limit = HBM2.tRAS + HBM2.tRP
    require_regular(HBM2.model_copy(update={symbol: limit}), HBM_PIM)
    with pytest.raises(InputError, match=rf"asks for {symbol} <= tRAS \+ tRP"):
        require_regular(HBM2.model_copy(update={symbol: limit + 1}), HBM_PIM)
