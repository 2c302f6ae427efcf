"""Vector work placed on memories: chunks that stream through the on-chip memories."""

from __future__ import annotations

from collections.abc import Mapping as Map
from dataclasses import replace
from fractions import Fraction
from typing import Protocol

import numpy as np

from hwsim.base.errors import HwsimError
from hwsim.mapping.hierarchy import Port, build_hierarchy
from hwsim.mapping.record import Mapping
from hwsim.memory.base import Memory
from hwsim.units.base import Timing, VectorWork

CHUNKS = tuple(2**power for power in range(13))
"""Numbers of chunks that are looked at, as far as they fit; of larger powers of two only the first two that fit."""
_MOST_CHUNKS = 2**24


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
    cores: int = 1,
) -> Mapping:
    """The fastest split of ``work`` into equal chunks that fit; ties go to fewer chunks.

    Elements of ``element_bytes`` come from the outermost memory through every on-chip memory that may hold
    inputs, results of ``result_bytes`` (default: the same) leave through those that may hold outputs. Every
    element moves once. For chunk i of C, with double-buffered memories,

        cycles = load(0) + Σ_i max(work(i), load(i+1) + store(i−1)) + store(C−1),

    and the plain sum otherwise. All that passes a memory beside a chunk's work shares its ports, what the unit itself
    reads and writes there included. ``work(i)`` is a C-th of the unit's cycles, rounded so that all add up.
    Of memories that are ``per: core``, all ``cores`` work side by side on equal shares of every chunk.
    Raises `HwsimError` when one element does not fit.
    """
    reads, writes = _bits(element_bytes), _bits(element_bytes if result_bytes is None else result_bytes)
    hierarchy = build_hierarchy(memories, clock_hz)
    outer, *inner = (_all_cores(port, cores) for port in hierarchy.ports.values())
    passed = {
        "read": [port for port in inner if "input" in memories[port.name].holds],
        "write": [port for port in inner if "output" in memories[port.name].holds],
    }
    total = _Totals(unit.timing(work).total, work.reads * reads, work.writes * writes)
    candidates = _candidates(passed, total)
    results = [_run(outer, passed, total, count) for count in candidates]
    best = min(range(len(results)), key=lambda i: (results[i][0], candidates[i]))
    cycles, busy = results[best]
    share = int(_shares(max(work.reads, work.writes), candidates[best])[0])
    return Mapping(
        tile=(share, 1, 1),
        order=("m",),
        traffic={port.name: _traffic(port, outer, passed, total) for port in (outer, *inner)},
        cycles=cycles,
        compute_cycles=total.cycles,
        stall_cycles=cycles - total.cycles,
        bound=max(busy, key=lambda name: busy[name]),
        busy_cycles=busy,
    )


def _all_cores(port: Port, cores: int) -> Port:
    """The memories of all cores as one."""
    if not port.per_core:
        return port
    room = None if port.usable_bits is None else port.usable_bits * cores
    read, write = port.bits_per_cycle * cores, port.write_bits_per_cycle * cores
    return replace(port, usable_bits=room, bits_per_cycle=read, write_bits_per_cycle=write)


class _Totals:
    """Cycles of the unit and bits in and out, and each chunk's share of them."""

    def __init__(self, cycles: int, read: int, write: int) -> None:
        self.cycles, self.read, self.write = cycles, read, write

    def chunks(self, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Cycles, bits in and bits out of each of ``count`` chunks."""
        return _shares(self.cycles, count), _shares(self.read, count), _shares(self.write, count)


def _shares(total: int, count: int) -> np.ndarray:
    """``total`` in ``count`` parts that differ by at most one and add up; the first are larger."""
    shares: np.ndarray = total // count + (np.arange(count) < total % count)
    return shares


def _candidates(passed: Map[str, list[Port]], total: _Totals) -> list[int]:
    found = [count for count in CHUNKS if _fits(passed, total, count)]
    count = 2 * CHUNKS[-1]
    while len(found) < 2 and count <= _MOST_CHUNKS:
        found += [count] if _fits(passed, total, count) else []
        count *= 2
    if not found:
        raise HwsimError(_too_small(passed, total))
    return found


def _fits(passed: Map[str, list[Port]], total: _Totals, count: int) -> bool:
    return all(need <= room for need, room in _needs(passed, total, count).values())


def _needs(passed: Map[str, list[Port]], total: _Totals, count: int) -> dict[str, tuple[int, int]]:
    """Memory to (bits of the largest chunk, usable bits), where there is a limit."""
    read, write = -(-total.read // count), -(-total.write // count)
    needs: dict[str, tuple[int, int]] = {}
    for direction, bits in (("read", read), ("write", write)):
        for port in passed[direction]:
            if port.usable_bits is not None:
                needs[port.name] = needs.get(port.name, (0, 0))[0] + bits, port.usable_bits
    return needs


def _too_small(passed: Map[str, list[Port]], total: _Totals) -> str:
    needs = _needs(passed, total, _MOST_CHUNKS)
    name = max(needs, key=lambda name: needs[name][0] - needs[name][1])
    need, room = needs[name]
    return (
        f"vector work does not fit memories.{name}: inputs and outputs of one of {_MOST_CHUNKS} chunks need "
        f"{-(-need // 8)} B of {room // 8} B, {-(-(need - room) // 8)} B too much"
    )


def _run(outer: Port, passed: Map[str, list[Port]], total: _Totals, count: int) -> tuple[int, dict[str, int]]:
    """Cycles, and busy cycles by memory."""
    inner = {port.name: port for way in passed.values() for port in way}
    busy = {"compute": total.cycles} | dict.fromkeys((outer.name, *inner), 0)

    def moving(load: np.ndarray, store: np.ndarray, taken: np.ndarray, made: np.ndarray) -> np.ndarray:
        """Cycles in which chunks come and leave while the unit takes and makes others: the slowest memory's."""
        cycles = {outer.name: _port_cycles(outer, load, store)}
        for name, port in inner.items():
            comes, leaves = port in passed["read"], port in passed["write"]
            cycles[name] = _port_cycles(port, comes * taken + leaves * store, comes * load + leaves * made)
        for name, spent in cycles.items():
            busy[name] += int(spent.sum())
        longest: np.ndarray = np.max(list(cycles.values()), axis=0).astype(np.int64)
        return longest

    overlaps = bool(passed["read"]) and all(port.overlaps for port in inner.values())
    work, read, write = total.chunks(count)
    none = np.zeros_like(read)
    if not overlaps:
        moved = moving(read, none, none, none) + moving(none, write, none, none)
        return int((np.maximum(work, moving(none, none, read, write)) + moved).sum()), busy
    # While chunk i is worked on, chunk i + 1 comes in and chunk i − 1 leaves.
    beside = moving(np.append(read[1:], 0), np.append(0, write[:-1]), read, write)
    first, last, nothing = read[:1], write[-1:], none[:1]
    ends = moving(first, nothing, nothing, nothing) + moving(nothing, last, nothing, nothing)
    return int(np.maximum(work, beside).sum() + ends.sum()), busy


def _port_cycles(port: Port, read: np.ndarray, write: np.ndarray) -> np.ndarray:
    """Cycles in which a memory gives and takes bits, one entry a transfer."""
    reading, writing = read / port.bits_per_cycle, write / port.write_bits_per_cycle
    cycles: np.ndarray = np.ceil(reading + writing if port.shared_bus else np.maximum(reading, writing))
    return cycles


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
