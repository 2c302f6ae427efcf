"""Bits that move between memories, and the cycles that this takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hwsim.mapping.hierarchy import Port

Count = Any  # int, or an integer numpy array over many cases


@dataclass
class Flow:
    """Bits through one memory: of all cores, and of the busiest core where each has its own."""

    read: Count = 0
    write: Count = 0
    core_read: Count = 0
    core_write: Count = 0


@dataclass
class Moves:
    """Transfers that happen together."""

    flows: dict[str, Flow] = field(default_factory=dict)

    def read(self, memory: str, bits: Count, core_bits: Count) -> None:
        flow = self.flows.setdefault(memory, Flow())
        flow.read = flow.read + bits
        flow.core_read = flow.core_read + core_bits

    def write(self, memory: str, bits: Count, core_bits: Count) -> None:
        flow = self.flows.setdefault(memory, Flow())
        flow.write = flow.write + bits
        flow.core_write = flow.core_write + core_bits

    def along(self, route: tuple[str, ...], bits: Count, core_bits: Count) -> None:
        """Read at the first memory, write at the last, both in between."""
        for memory in route[:-1]:
            self.read(memory, bits, core_bits)
        for memory in route[1:]:
            self.write(memory, bits, core_bits)

    def cycles(self, ports: Mapping[str, Port]) -> dict[str, Count]:
        """Cycles by memory: bits over width, a bus' two directions one after the other, rounded up."""
        return {name: _cycles(ports[name], flow) for name, flow in self.flows.items()}


def _cycles(port: Port, flow: Flow) -> Count:
    read, write = (flow.core_read, flow.core_write) if port.per_core else (flow.read, flow.write)
    bits = read + write if port.shared_bus else np.maximum(read, write)
    return np.ceil(bits / port.bits_per_cycle).astype(np.int64)


def slowest(cycles: Mapping[str, Count]) -> Count:
    """Cycles of transfers that run side by side: those of the slowest memory."""
    longest: Count = 0
    for count in cycles.values():
        longest = np.maximum(longest, count)
    return longest
