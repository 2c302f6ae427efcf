"""Vector work on memories: chunks, traffic, and what hides what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapping_cases import CLOCK, dram, sram

from hwsim.base.errors import HwsimError
from hwsim.mapping import map_vector
from hwsim.units.base import VectorWork
from hwsim.units.vector import VectorUnit

UNIT = VectorUnit(lanes=8)


def test_by_hand():
    """64 elements of 4 B each way at 8 B/cycle through a buffer that is not double-buffered; 8 cycles of work."""
    memory = {"dram": dram(8), "buffer": sram(4096, 64)}
    mapping = map_vector(VectorWork(64, 64, {"relu": 64}), UNIT, memory, CLOCK, 4)
    assert (mapping.cycles, mapping.compute_cycles, mapping.bound) == (32 + 8 + 32, 8, "dram")
    assert mapping.traffic == {"dram": {"read": 256, "write": 256}, "buffer": {"read": 512, "write": 512}}


@given(
    reads=st.integers(1, 3000),
    writes=st.integers(1, 3000),
    adds=st.integers(0, 5000),
    double=st.booleans(),
    element=st.sampled_from([0.5, 1, 4]),
)
def test_bounds(reads, writes, adds, double, element):
    work = VectorWork(reads, writes, {"add": adds})
    memory = {"dram": dram(3.7), "buffer": sram(512, 11, double_buffered=double)}
    mapping = map_vector(work, UNIT, memory, CLOCK, element, result_bytes=1)
    read = -(-int(reads * element * 8) // 8)
    assert mapping.traffic["dram"] == {"read": read, "write": writes}
    assert mapping.cycles >= max(mapping.compute_cycles, (read + writes - 1) / 3.7)
    assert mapping.compute_cycles == UNIT.timing(work).total
    assert mapping.stall_cycles == mapping.cycles - mapping.compute_cycles >= 0
    assert mapping.busy_cycles[mapping.bound] == max(mapping.busy_cycles.values())


def test_double_buffering_hides_work():
    work = VectorWork(4096, 4096, {"add": 40960})
    plain = map_vector(work, UNIT, {"dram": dram(8), "buffer": sram(4096, 64)}, CLOCK, 1)
    hidden = map_vector(work, UNIT, {"dram": dram(8), "buffer": sram(4096, 64, double_buffered=True)}, CLOCK, 1)
    assert plain.cycles >= 5120 + 1024
    assert hidden.cycles < 5120 + 100
    assert hidden.bound == "compute"


def test_without_a_buffer_nothing_overlaps():
    mapping = map_vector(VectorWork(64, 64, {"add": 64}), UNIT, {"dram": dram(8)}, CLOCK, 1)
    assert mapping.cycles == 8 + 8 + 8


def test_does_not_fit():
    memory = {"dram": dram(8), "buffer": sram(16, 8)}
    fits = map_vector(VectorWork(1 << 20, 1 << 20, {}), UNIT, memory, CLOCK, 8)  # one element in, one out at a time
    assert fits.traffic["buffer"] == {"read": 2 << 23, "write": 2 << 23}
    with pytest.raises(HwsimError, match=r"does not fit memories.buffer: .* need 17 B of 16 B, 1 B too much"):
        map_vector(VectorWork(1 << 24, 9 << 21, {}), UNIT, memory, CLOCK, 8)
