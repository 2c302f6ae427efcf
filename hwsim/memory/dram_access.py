"""From an access pattern to cycles, row hits, activates and refreshes of a DRAM of some standard.

A pattern is *runs* of contiguous bytes. Blocks of `interleave` bytes go to neighbouring channels, so that a run of n
blocks puts ⌈n / channels⌉ of them into each channel that it reaches; within a channel `mapping` says which part of the
address moves next. What a channel takes is `dram_refresh.stream_cycles`; all channels are taken as equally loaded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal, Self

from pydantic import Field, model_validator

from hwsim.base.quantities import Bytes, Fraction01
from hwsim.base.record import Record
from hwsim.memory import dram_standards as standards
from hwsim.memory.dram_in_order import Rounds
from hwsim.memory.dram_refresh import Streamed, stream_cycles
from hwsim.memory.dram_rounds import RoundTimes
from hwsim.memory.dram_standards import DramStandard
from hwsim.memory.dram_timing import DramOrganization, DramTiming

STEADY_REFRESHES = 32
"""Refresh intervals after which the beginning of a stream no longer matters (one part in a thousand)."""

Mapping = Literal["row:bank:column:group", "row:column:bank", "row:bank:column"]


class Access(Record):
    """How a stream goes through the addresses: ``sequential``, ``{run: 256 B}``, ``{run: 64 B, order: random}``."""

    run: Bytes | None = None
    """Contiguous bytes, such as a tile's part of a row of its matrix; None: everything is one run."""
    order: Literal["sequential", "strided", "random"] = Field(default="sequential", validate_default=True)
    """How runs follow each other: at once, at a fixed distance, anywhere. A run alone means strided."""
    stride: Bytes | None = None
    """Bytes from run to run where strided; None: the next run lies in the next bank."""
    writes: Fraction01 = 0.0
    """Part of the bytes that is written."""
    interleave: Bytes = 256
    """Neighbouring bytes of one channel, whole bursts of them (*assumed*: GPUs are said to use 256 B to 1 KiB)."""
    mapping: Mapping = "row:bank:column:group"
    """Address in a channel from high to low; the bank is that within its group where the group stands apart."""

    @model_validator(mode="before")
    @classmethod
    def _a_run_alone_is_strided(cls, data: object) -> object:
        if isinstance(data, dict) and data.get("run") is not None and "order" not in data:
            return {**data, "order": "strided"}
        return data

    @model_validator(mode="after")
    def _runs_where_they_are_needed(self) -> Self:
        if (self.run is None) != (self.order == "sequential"):
            raise ValueError(f"a {self.order} access has {'no ' if self.run else 'a '}run (such as '256 B')")
        if self.stride is not None and (self.order != "strided" or self.run is None or self.stride < self.run):
            raise ValueError("a stride is the distance of strided runs, at least as long as a run")
        return self


class AccessPattern(Access):
    """So many bytes moved in that way."""

    bytes: Bytes
    """Bytes that are wanted; whole bursts are moved."""
    turns: int = Field(default=1, ge=0)
    """Times that the data bus turns between reading and writing; of no effect where it does one only."""


@dataclass(frozen=True)
class AccessTiming:
    """What a pattern takes. ``cycles`` are of the DRAM's command clock."""

    cycles: int
    at_least: int
    """The streaming controller is no faster."""
    at_most: int
    """The streaming controller is no slower."""
    time_s: float
    bursts: int
    """Column commands of all channels, as many in each as in the busiest."""
    activates: int
    """Row misses of all channels: each opens a row."""
    refreshes: int
    """Refreshes of one channel."""
    bytes_per_s: float
    """Wanted bytes over time."""
    efficiency: float
    """``bytes_per_s`` over the peak of the data bus."""

    @property
    def row_hits(self) -> int:
        """Column commands that found their row open."""
        return self.bursts - self.activates

    @property
    def exact(self) -> bool:
        """Whether both bounds meet: the streaming controller takes these cycles."""
        return self.at_least == self.at_most


def access_timing(pattern: AccessPattern, standard: DramStandard, parts: int = 1, refresh: bool = True) -> AccessTiming:
    """What ``pattern`` takes on ``parts`` stacks or channels of ``standard``.

    Exact for sequential streams, and for runs that load all channels equally and lie whole rows apart or each in the
    next bank, where all is read or all written: the command simulator takes the same cycles for the busiest channel.
    Of other strided runs each is taken to open new rows (``cycles``); they lie between the data bus alone and all runs
    in one bank. Random runs lie between all banks in turn, which ``cycles`` is and a reordering controller comes close
    to (``at_least`` the same without waiting for the command bus), and one bank. Where reads and writes mix, ``cycles``
    lets each turn of the bus drain the stream before it (``at_most``, refreshes apart), and ``at_least`` is the data
    bus alone. All bounds are of equally loaded channels.
    """
    spread = _Spread.of(pattern, standard.organization, parts)
    pieces = list(_pieces(pattern, spread.bursts_per_channel))
    streams = [_streamed(spread.rounds(write), bursts, standard, refresh) for write, bursts in pieces]
    cycles = at_least = at_most = _one_after_another(streams)
    if pattern.order == "random" or not spread.aligned:
        rounds = [(spread.rounds(write), bursts) for write, bursts in pieces]
        free = [_streamed(each, bursts, standard, refresh, own_bus=True) for each, bursts in rounds]
        alone = [_streamed(replace(each, step=0), bursts, standard, refresh) for each, bursts in rounds]
        at_least, at_most = _one_after_another(free), _one_after_another(alone)
    if len(pieces) > 1 or not (spread.aligned or pattern.order == "random"):
        at_least = spread.bursts_per_channel * standard.timing.column_short
    used, time_s = spread.channels_used, cycles / standard.clock_hz
    rate = pattern.bytes / time_s
    return AccessTiming(
        cycles=cycles,
        at_least=at_least,
        at_most=at_most,
        time_s=time_s,
        bursts=used * spread.bursts_per_channel,
        activates=used * sum(each.activates for each in streams),
        refreshes=sum(each.refreshes for each in streams),
        bytes_per_s=rate,
        efficiency=rate / (parts * standard.peak_bytes_per_s),
    )


@lru_cache(maxsize=256)
def steady_efficiency(access: Access, standard: str, parts: int = 1) -> float:
    """Part of the peak that a long stream of ``access`` reaches: `STEADY_REFRESHES` refresh intervals of it."""
    known = standards.get(standard)
    total = math.ceil(STEADY_REFRESHES * known.timing.tREFI / known.clock_hz * parts * known.peak_bytes_per_s)
    fields = access.model_dump(exclude_none=True)
    return access_timing(AccessPattern.model_validate({**fields, "bytes": total}), known, parts).efficiency


def _one_after_another(streams: Sequence[Streamed]) -> int:
    return sum(each.drained for each in streams[:-1]) + streams[-1].cycles


@dataclass(frozen=True)
class _Spread:
    """A pattern over the channels: bursts of the busiest one, in runs of ``run`` each."""

    organization: DramOrganization
    mapping: Mapping
    channels_used: int
    bursts_per_channel: int
    run: int | None = None
    """Bursts of a run in one channel; None: one run."""
    stride: int | None = None
    """Bursts of one channel's addresses from run to run."""
    aligned: bool = True
    """Whether all channels see the same, and runs whole rows apart."""

    @classmethod
    def of(cls, pattern: AccessPattern, organization: DramOrganization, parts: int) -> _Spread:
        channels, burst = parts * organization.channels, organization.burst_bytes
        block = max(pattern.interleave // burst, 1)
        if pattern.run is None:
            bursts = -(-pattern.bytes // burst)
            turns, rest = divmod(bursts, block * channels)
            used = channels if turns else -(-rest // block)
            return cls(organization, pattern.mapping, used, turns * block + min(rest, block))
        whole, rest = divmod(pattern.bytes, pattern.run)
        run = -(-pattern.run // burst)
        bursts = whole * run + -(-rest // burst)
        blocks = -(-run // block)
        alone = run if blocks == 1 else block * -(-blocks // channels)
        aligned = run == alone * channels and not rest
        if pattern.stride is None:
            used = min(channels, bursts)
            return cls(organization, pattern.mapping, used, -(-bursts // used), alone, None, aligned)
        apart = -(-pattern.stride // burst)
        in_blocks = apart % block == 0
        common = math.gcd(apart // block, channels) if in_blocks else 1
        used = min(channels // common * min(blocks, common), bursts)
        stride = apart // block // common * block if in_blocks else -(-apart // channels)
        rows = _neighbours(pattern.mapping, organization) * organization.bursts_per_row * channels * burst
        aligned &= pattern.stride % rows == 0
        return cls(organization, pattern.mapping, used, -(-bursts // used), alone, stride, aligned)

    def rounds(self, write: bool) -> Rounds:
        """The rounds of one channel: as many banks as the mapping passes before it comes back to the first."""
        organization = self.organization
        neighbours = _neighbours(self.mapping, organization)
        most = neighbours * organization.bursts_per_row
        bursts = most if self.run is None else min(self.run, most)
        visits = min(neighbours, bursts)
        step = visits if self.stride is None else self._position(self.stride)
        return Rounds(visits, bursts, step, write)

    def _position(self, burst: int) -> int:
        """Which of the banks in turn the channel's burst number ``burst`` lies in."""
        groups, banks = self.organization.bank_groups, self.organization.banks
        columns = self.organization.bursts_per_row
        if self.mapping == "row:column:bank":
            return burst % banks
        if self.mapping == "row:bank:column":
            return burst // columns % banks
        return burst // (groups * columns) * groups % banks + burst % groups


def _neighbours(mapping: Mapping, organization: DramOrganization) -> int:
    """Banks that neighbouring bursts of a channel lie in."""
    return {
        "row:bank:column:group": organization.bank_groups,
        "row:column:bank": organization.banks,
        "row:bank:column": 1,
    }[mapping]


def _pieces(pattern: AccessPattern, bursts: int) -> Iterator[tuple[bool, int]]:
    """Reads and writes by turns, in equal pieces: (write, bursts)."""
    written = round(bursts * pattern.writes)
    if not 0 < written < bursts:
        yield written == bursts, bursts
        return
    count = max(pattern.turns, 1) + 1
    for number in range(count):
        total, pieces = (written, count // 2) if number % 2 else (bursts - written, count - count // 2)
        share = total * (number // 2 + 1) // pieces - total * (number // 2) // pieces
        if share:
            yield bool(number % 2), share


def _streamed(rounds: Rounds, bursts: int, standard: DramStandard, refresh: bool, own_bus: bool = False) -> Streamed:
    return stream_cycles(_table(rounds, standard.timing, standard.organization, own_bus), bursts, refresh)


@lru_cache(maxsize=512)
def _table(rounds: Rounds, timing: DramTiming, organization: DramOrganization, own_bus: bool) -> RoundTimes:
    return RoundTimes(rounds, timing, organization, own_bus)
