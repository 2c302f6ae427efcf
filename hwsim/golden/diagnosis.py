"""What additions lose, counted from exact numbers: the judge of `hwsim.datapath.diagnosis`."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from hwsim.datapath.accumulator_bounds import needed_bits
from hwsim.formats.exact import TWO, floor_log2
from hwsim.golden.compensated import Pair
from hwsim.golden.number import Events, Number


@dataclass
class Recorder(Events):
    """Events of one register, or of an output with a recorder for each register."""

    cancelled_bits: int | None = None
    places: int = 0
    """Fraction bits of integer sums."""
    registers: dict[str, Recorder] = field(default_factory=dict)
    additions: int = 0
    swamped: int = 0
    cancelled: int = 0
    underflows: int = 0
    largest: Fraction = Fraction(0)
    exact: Fraction = Fraction(0)
    ends: tuple[Fraction, Fraction] = (Fraction(0), Fraction(0))

    def of(self, register: str) -> Recorder:
        if register not in self.registers:
            self.registers[register] = Recorder(cancelled_bits=self.cancelled_bits, places=self.places)
        return self.registers[register]

    def begin(self, accumulator: Any, held: Any, start: Number | None) -> None:
        self._see(_first(held))
        if accumulator.kind == "integer":
            self.exact = start.signed if start is not None else Fraction(0)
            self._reach()

    def step(self, accumulator: Any, before: Any, term: Number, after: Any) -> None:
        self.additions += 1
        self._see(_first(after))
        if accumulator.kind == "integer":
            self.exact += term.signed
            self._reach()
            return
        s, x, r = _first(before), term, _first(after)
        if s.special or x.special or r.special:
            return
        kept = not isinstance(before, Pair) or (
            not before.low.special and not after.low.special and before.low.signed == after.low.signed
        )
        self.swamped += bool(x.magnitude and kept and r.signed == s.signed)
        self._count_cancelled(accumulator, s, x, r)
        tiny = r.magnitude < TWO**accumulator.format.emin
        self.underflows += tiny and s.signed + x.signed != 0

    def _count_cancelled(self, accumulator: Any, s: Number, x: Number, r: Number) -> None:
        if s.signed * x.signed >= 0:
            return
        lost = self.cancelled_bits if self.cancelled_bits is not None else -(-accumulator.format.precision // 2)
        larger = floor_log2(max(s.magnitude, x.magnitude))
        self.cancelled += not r.magnitude or floor_log2(r.magnitude) <= larger - lost

    def _see(self, x: Number) -> None:
        if not x.special:
            self.largest = max(self.largest, x.magnitude)

    def _reach(self) -> None:
        self.ends = min(self.ends[0], self.exact), max(self.ends[1], self.exact)

    def bits(self) -> int:
        """Narrowest register that holds every exact partial sum."""
        low, high = (int(end * (1 << self.places)) for end in self.ends)
        return needed_bits(low, high)


def _first(held: Any) -> Number:
    number: Number = held.high if isinstance(held, Pair) else held
    return number
