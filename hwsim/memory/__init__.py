"""Memories: capacity, ports, bandwidth and cost, one file per kind; DRAM commands and their simulator.

>>> from hwsim.memory import memories
>>> buffer = memories.get("sram")(capacity="1 MiB", width="64 B", banks=8, double_buffered=True)
>>> buffer.bytes_per_cycle(clock_hz=1e9), buffer.usable_bytes
(512.0, 524288)
"""

from hwsim.memory.base import Memory, MemoryCost, Operand, memories

__all__ = ["Memory", "MemoryCost", "Operand", "memories"]
