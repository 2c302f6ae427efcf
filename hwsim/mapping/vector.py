"""Vector work placed on memories: chunks that stream through the on-chip memories."""

from __future__ import annotations

from collections.abc import Mapping as Map
from fractions import Fraction
from math import ceil
from typing import Protocol

from hwsim.base.errors import HwsimError
from hwsim.mapping.hierarchy import Port, build_hierarchy
from hwsim.mapping.record import Mapping
from hwsim.memory.base import Memory
from hwsim.units.base import Timing, VectorWork

CHUNKS = tuple(2**power for power in range(13))
"""Numbers of chunks that are looked at, as far as they fit."""


class TimesVectorWork(Protocol):
    """A unit that says how long vector work takes."""

    def timing(self, work: VectorWork) -> Timing: ...


def map_vector(
    work: VectorWork,
    unit: TimesVectorWork,
    memories: Map[str, Memory],
    clock_hz: float,
    element_bytes: float,
    result_bytes: float | None = None,
) -> Mapping:
    """The fastest split of ``work`` into equal chunks that fit; ties go to fewer chunks.

    Elements of ``element_bytes`` come from the outermost memory through every on-chip memory that may hold
    inputs, results of ``result_bytes`` (default: the same) leave through those that may hold outputs. Every
    element moves once. For chunk i of C, with double-buffered memories,

        cycles = load(0) + Σ_i max(work(i), load(i+1) + store(i−1)) + store(C−1),

    and the plain sum otherwise. ``work(i)`` is a C-th of the unit's cycles, rounded so that all add up.
    Memories that are ``per: core`` count as one memory of that size and width: one vector unit is fed.
    Raises `HwsimError` when one element does not fit.
    """
    reads, writes = _bits(element_bytes), _bits(element_bytes if result_bytes is None else result_bytes)
    hierarchy = build_hierarchy(memories, clock_hz)
    outer, *inner = hierarchy.ports.values()
    passed = {
        "read": [port for port in inner if "input" in memories[port.name].holds],
        "write": [port for port in inner if "output" in memories[port.name].holds],
    }
    total = _Totals(unit.timing(work).total, work.reads * reads, work.writes * writes)
    candidates = [count for count in CHUNKS if _fits(passed, total, count)]
    if not candidates:
        raise HwsimError(_too_small(passed, total))
    results = [_run(outer, passed, total, count) for count in candidates]
    best = min(range(len(results)), key=lambda i: (results[i][0], candidates[i]))
    cycles, busy = results[best]
    share = _share(max(work.reads, work.writes), 0, candidates[best])
    return Mapping(
        tile=(share, 1, 1),
        order=("m",),
        traffic={port.name: _traffic(port, outer, passed, total) for port in hierarchy.ports.values()},
        cycles=cycles,
        compute_cycles=total.cycles,
        stall_cycles=cycles - total.cycles,
        bound=max(busy, key=lambda name: busy[name]),
        busy_cycles=busy,
    )


class _Totals:
    """Cycles of the unit and bits in and out, and each chunk's share of them."""

    def __init__(self, cycles: int, read: int, write: int) -> None:
        self.cycles, self.read, self.write = cycles, read, write

    def chunk(self, index: int, count: int) -> tuple[int, int, int]:
        return _share(self.cycles, index, count), _share(self.read, index, count), _share(self.write, index, count)


def _share(total: int, index: int, count: int) -> int:
    """The ``index``-th of ``count`` parts of ``total`` that differ by at most one and add up; the first are larger."""
    return total // count + (index < total % count)


def _fits(passed: Map[str, list[Port]], total: _Totals, count: int) -> bool:
    return all(need <= room for need, room in _needs(passed, total, count).values())


def _needs(passed: Map[str, list[Port]], total: _Totals, count: int) -> dict[str, tuple[int, int]]:
    """Memory to (bits of the largest chunk, usable bits), where there is a limit."""
    _, read, write = total.chunk(0, count)
    needs: dict[str, tuple[int, int]] = {}
    for direction, bits in (("read", read), ("write", write)):
        for port in passed[direction]:
            if port.usable_bits is not None:
                needs[port.name] = needs.get(port.name, (0, 0))[0] + bits, port.usable_bits
    return needs


def _too_small(passed: Map[str, list[Port]], total: _Totals) -> str:
    needs = _needs(passed, total, CHUNKS[-1])
    name = max(needs, key=lambda name: needs[name][0] - needs[name][1])
    need, room = needs[name]
    return (
        f"vector work does not fit memories.{name}: inputs and outputs of one of {CHUNKS[-1]} chunks need "
        f"{-(-need // 8)} B of {room // 8} B, {-(-(need - room) // 8)} B too much"
    )


def _run(outer: Port, passed: Map[str, list[Port]], total: _Totals, count: int) -> tuple[int, dict[str, int]]:
    """Cycles, and busy cycles by memory; chunks have at most a few distinct sizes, yet are simply walked."""
    busy = {"compute": total.cycles} | dict.fromkeys((outer.name, *(p.name for way in passed.values() for p in way)), 0)

    def transfer(read: int, write: int) -> int:
        cycles = {outer.name: ceil((read + write if outer.shared_bus else max(read, write)) / outer.bits_per_cycle)}
        for direction, bits in (("read", read), ("write", write)):
            for port in passed[direction]:
                cycles[port.name] = max(cycles.get(port.name, 0), ceil(bits / port.bits_per_cycle))
        for name, spent in cycles.items():
            busy[name] += spent
        return max(cycles.values())

    overlaps = bool(passed["read"]) and all(port.overlaps for way in passed.values() for port in way)
    chunks = [total.chunk(index, count) for index in range(count)]
    if not overlaps:
        return sum(work + transfer(read, 0) + transfer(0, write) for work, read, write in chunks), busy
    cycles = transfer(chunks[0][1], 0)
    for index, (work, _, _) in enumerate(chunks):
        load = chunks[index + 1][1] if index + 1 < count else 0
        store = chunks[index - 1][2] if index else 0
        cycles += max(work, transfer(load, store))
    return cycles + transfer(0, chunks[-1][2]), busy


def _traffic(port: Port, outer: Port, passed: Map[str, list[Port]], total: _Totals) -> dict[str, int]:
    """An on-chip memory is written and read by what passes it; the outermost is read by loads, written by stores."""
    loads, stores = -(-total.read // 8), -(-total.write // 8)
    if port is outer:
        return {"read": loads, "write": stores}
    through = (port in passed["read"]) * loads + (port in passed["write"]) * stores
    return {"read": through, "write": through}


def _bits(element_bytes: float) -> int:
    bits = Fraction(element_bytes) * 8
    if bits <= 0 or bits.denominator != 1:
        raise HwsimError(f"an element takes a whole number of bits, not {float(bits)}")
    return int(bits)
