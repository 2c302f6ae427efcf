"""What every kind of memory keeps to. A new one registers, gives `examples`, and passes."""

import pytest

from hwsim import technology
from hwsim.memory import memories

EXAMPLES = [example for memory in memories.items().values() for example in memory.examples()]
pytestmark = pytest.mark.parametrize("memory", EXAMPLES, ids=str)


@pytest.mark.parametrize("clock_hz", [0.5e9, 1.83e9])
def test_bytes_per_cycle_are_above_zero_and_within_the_bandwidth(memory, clock_hz):
    rate = memory.bytes_per_cycle(clock_hz)
    assert rate > 0
    assert memory.bandwidth is None or rate <= memory.bandwidth / clock_hz
    slower = memory.model_copy(update={"bandwidth": rate * clock_hz / 2})
    assert slower.bytes_per_cycle(clock_hz) == rate / 2


def test_half_is_in_use_where_the_other_half_is_filled(memory):
    whole, half = (memory.model_copy(update={"double_buffered": double}).usable_bytes for double in (False, True))
    assert whole == memory.capacity
    assert half == (None if whole is None else whole // 2)


@pytest.mark.parametrize("node", ["7nm", "45nm"])
def test_costs_are_above_zero_and_have_a_source(memory, node):
    cost = memory.cost(technology.get(node))
    assert min(cost.read_j_per_byte, cost.write_j_per_byte) > 0
    assert (cost.area_m2 > 0) == memory.on_chip
    assert cost.source


def test_written_costs_come_first(memory):
    written = memory.model_copy(update={"read_energy": 1e-12, "write_energy": 2e-12, "area": 3e-6})
    cost = written.cost(technology.get("7nm"))
    assert (cost.read_j_per_byte, cost.write_j_per_byte, cost.area_m2) == (1e-12, 2e-12, 3e-6)


def test_it_survives_yaml(memory):
    assert type(memory).model_validate(memory.model_dump(mode="json")) == memory
