"""A whole stream of rounds with its refreshes, from the table of one without.

A refresh finds everything closed and leaves everything closed: after it a stream begins anew. So

    cycles = Σ over refreshes of (begin of the round that finds it due + draining + tRFC) + the rest,

each term looked up in the one table of `hwsim.memory.dram_rounds`.
"""

from __future__ import annotations

from dataclasses import dataclass

from hwsim.memory.dram_rounds import RoundTimes


@dataclass(frozen=True)
class Streamed:
    """What a stream of one channel takes."""

    cycles: int
    """Until the last data has crossed the bus."""
    drained: int
    """Until then and until all banks are closed."""
    refreshes: int
    activates: int


def stream_cycles(table: RoundTimes, bursts: int, refresh: bool = True) -> Streamed:
    """Cycles of ``bursts`` column commands, cold start and last data included; equal to `dram_in_order.stream`."""
    rounds, timing = table.rounds, table.timing
    whole, rest = divmod(bursts, rounds.bursts)
    visits = min(rounds.visits, rounds.bursts)
    begin, refreshes, left = _refreshed(table, whole, rest > 0) if refresh else (0, 0, whole)
    latency = timing.WL if rounds.write else timing.RL
    column, closed = table.after(left, rest) if bursts else (-latency - timing.burst, 0)
    cycles = begin + column + latency + timing.burst
    return Streamed(cycles, max(cycles, begin + closed), refreshes, whole * visits + min(visits, rest))


def _refreshed(table: RoundTimes, whole: int, more: bool) -> tuple[int, int, int]:
    """(cycle, refreshes, whole rounds to come) after the last refresh.

    What follows a refresh depends on nothing but how late it came, so once it comes as late as one before, the
    stretch between the two repeats.
    """
    timing = table.timing
    begin, refreshes, left = 0, 0, whole
    seen: dict[int, tuple[int, int, int]] | None = {}
    while left + more:
        late = begin - refreshes * timing.tREFI
        if seen is not None and late in seen:
            then = seen[late]
            rounds = then[2] - left
            times = (left - 1) // rounds if rounds else 0
            begin += times * (begin - then[0])
            refreshes += times * (refreshes - then[1])
            left -= times * rounds
            seen = None
        elif seen is not None:
            seen[late] = begin, refreshes, left
        due = (refreshes + 1) * timing.tREFI
        done = table.first_beginning_from(due - begin, left + more)
        if done == left + more:
            break
        begin += (table.after(done, 0)[1] if done else 0) + timing.tRFC
        refreshes += 1
        left -= done
    return begin, refreshes, left
