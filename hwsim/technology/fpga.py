"""What a datapath takes on an FPGA with 6-input look-up tables (UltraScale+): LUT, flip-flops, DSP48E2, BRAM36.

Rules, a line each; the devices' user guides are *recalled*, not opened: UG574 (CLB), UG579 (DSP48E2), UG573 (memory).

| block | rule | rests on |
|---|---|---|
| adder, increment | 1 LUT per bit, its carry in the carry chain | UG574 |
| comparator | 1 LUT per 2 bits: equal and greater into the carry chain | UG574 |
| multiplexer | 2:1, two bits a LUT (5 inputs, 2 outputs); 4:1, 1 LUT; F7 to F9 join up to 8 LUTs (32:1) | UG574 |
| shifter | 4:1 multiplexers: 1 LUT per bit for two bits of the distance | as multiplexers |
| leading zeros | 1 LUT per bit: a count's multiplexer and the test whether the half is zero | *assumed* |
| OR of n bits | ⌈(n − 1)/5⌉ LUT: a tree of 6-input gates | UG574 |
| gates | two a LUT (2 outputs of 5 inputs); a full or half adder 1 LUT | UG574 |
| look-up table | 64 entries a LUT and bit, joined as a multiplexer | UG574 |
| register | 1 flip-flop per bit | UG574 |
| multiplier, DSP | tiles of 27 x 18 two's complement, each further one 26 or 17 bits; two products of at most 8 bits, or four of at most 4, share one where an operand is common | UG579; WP486, WP521 |
| multiplier, LUT | rows of partial products in pairs: AND and addition in one LUT, then a tree of adders | UG574 |
| memory | the fewest of 512 x 72, 1K x 36, 2K x 18, 4K x 9, 8K x 4, 16K x 2, 32K x 1 | UG573 |

A DSP's own adder and registers are not used for the accumulator, whose format and overflow it could not do in general;
what corrects packed products is left out. Float units are the sum of their blocks. Placement and routing are not
modelled, so that a synthesis comes out 10 to 30 % lower where logic is merged across blocks (*assumed*).
"""  # noqa: E501  # a table's line is a rule

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from hwsim.base.errors import InputError
from hwsim.technology.primitive import Composite, Primitive
from hwsim.technology.primitives import (
    Comparator,
    Gate,
    IntegerAdder,
    IntegerMultiplier,
    LeadingZeroCounter,
    LookupTable,
    Multiplexer,
    OrTree,
    Register,
    Rounder,
    Shifter,
)

Multipliers = Literal["dsp", "lut"]
BRAM36 = ((512, 72), (1024, 36), (2048, 18), (4096, 9), (8192, 4), (16384, 2), (32768, 1))
"""Words x bits of one block of 36 Kib."""


@dataclass(frozen=True)
class FpgaCost:
    """Resources of one instance; fractions where several share one (two int8 products in a DSP)."""

    luts: float = 0.0
    flip_flops: float = 0.0
    dsps: float = 0.0
    bram36: float = 0.0
    sources: tuple[str, ...] = field(default=(), compare=False)

    def __add__(self, other: FpgaCost) -> FpgaCost:
        return FpgaCost(
            self.luts + other.luts,
            self.flip_flops + other.flip_flops,
            self.dsps + other.dsps,
            self.bram36 + other.bram36,
            tuple(dict.fromkeys((*self.sources, *other.sources))),
        )

    def times(self, count: float) -> FpgaCost:
        """``count`` of these."""
        luts, flip_flops = count * self.luts, count * self.flip_flops
        return FpgaCost(luts, flip_flops, count * self.dsps, count * self.bram36, self.sources)


class _Part(Protocol):
    """One entry of `Datapath.parts`."""

    @property
    def name(self) -> str: ...
    @property
    def primitive(self) -> Primitive: ...
    @property
    def count(self) -> float: ...


@dataclass(frozen=True)
class FpgaEstimate:
    """Resources by part of a datapath's lane, or of a whole unit."""

    by_part: Mapping[str, FpgaCost]

    @property
    def total(self) -> FpgaCost:
        """All parts together."""
        return sum(self.by_part.values(), FpgaCost())


def estimate(datapath: Any, multipliers: Multipliers = "dsp") -> FpgaEstimate:
    """Resources of one lane of a `Datapath` (or of a list of its parts) by part.

    ``multipliers``: in DSP48E2 slices, or in look-up tables.
    """
    return FpgaEstimate(_by_part(datapath.parts() if hasattr(datapath, "parts") else datapath, multipliers))


def _by_part(parts: Iterable[_Part], multipliers: Multipliers) -> dict[str, FpgaCost]:
    found: dict[str, FpgaCost] = {}
    for part in parts:
        cost = resources(part.primitive, multipliers).times(part.count)
        found[part.name] = found.get(part.name, FpgaCost()) + cost
    return found


def resources(primitive: Primitive, multipliers: Multipliers = "dsp") -> FpgaCost:
    """Resources of one ``primitive``.

    >>> resources(IntegerAdder(24)).luts, resources(IntegerMultiplier(8, 8)).dsps, resources(Register(16)).flip_flops
    (24, 0.5, 16)
    """
    if isinstance(primitive, Composite):
        return sum((resources(one, multipliers) for stage in primitive.stages() for one in stage), FpgaCost())
    if isinstance(primitive, IntegerMultiplier):
        return _multiplier(primitive.a_bits, primitive.b_bits, multipliers)
    rule = _RULES.get(type(primitive))
    if rule is None:
        raise InputError(f"no rule says what {type(primitive).__name__} takes on an FPGA")
    return rule(primitive)


def memory(capacity_bytes: int, width_bytes: int) -> FpgaCost:
    """Block RAMs of ``capacity_bytes`` in words of ``width_bytes``: the fewest over the shapes of a block.

    >>> memory(64 * 1024, 8).bram36
    16
    """
    bits, words = 8 * width_bytes, -(-capacity_bytes // width_bytes)
    fewest = min(-(-words // depth) * -(-bits // width) for depth, width in BRAM36)
    return FpgaCost(bram36=fewest, sources=("UG573, shapes of a block of 36 Kib (recalled)",))


CLB = "UG574 (recalled)"


def _multiplier(a: int, b: int, multipliers: Multipliers) -> FpgaCost:
    if min(a, b) <= 1:
        return FpgaCost(-(-max(a, b) // 2) if min(a, b) else 0, sources=(f"AND gates, two a LUT; {CLB}",))
    if multipliers == "lut":
        return FpgaCost(lut_multiplier(a, b), sources=(f"partial products added in pairs and a tree; {CLB}",))
    if max(a, b) <= 4:
        return FpgaCost(dsps=0.25, sources=("four products in a DSP48E2; WP521 (recalled)",))
    if max(a, b) <= 8:
        return FpgaCost(dsps=0.5, sources=("two products in a DSP48E2; WP486 (recalled)",))
    tiles = min(_tiles(x, 27) * _tiles(y, 18) for x, y in ((a, b), (b, a)))
    return FpgaCost(dsps=tiles, sources=("tiles of 27 x 18, UG579 (recalled)",))


def _tiles(bits: int, width: int) -> int:
    """Words of ``width`` that a signed operand is cut into: the top one signed, those below of a bit less."""
    return 1 + -(-max(bits - width, 0) // (width - 1))


def lut_multiplier(a: int, b: int) -> int:
    """LUTs of an a x b multiplier: rows ``(bits, place)`` of partial products, added in pairs level by level.

    A row pair takes its ANDs into the adders' LUTs. Bits below the upper row's place pass by without an adder.

    >>> lut_multiplier(8, 8)
    65
    """
    rows, luts = [(max(a, b), place) for place in range(min(a, b))], 0
    while len(rows) > 1:
        added = []
        for (low_bits, low), (high_bits, high) in zip(rows[::2], rows[1::2], strict=False):
            adder = max(low_bits - (high - low), high_bits)
            luts += adder
            added.append((high - low + adder + 1, low))
        rows = added + ([rows[-1]] if len(rows) % 2 else [])
    return luts


def _luts(count: int, rule: str, source: str = CLB) -> FpgaCost:
    return FpgaCost(count, sources=(f"{rule}; {source}",))


def _multiplexer_luts(bits: int, ways: int) -> int:
    """Two bits a LUT for 2:1; four ways a LUT above, eight LUTs joined by F7 to F9, a tree beyond 32 ways."""
    if ways <= 1:
        return 0
    if ways == 2:
        return -(-bits // 2)
    joined = -(-ways // 32)
    return bits * -(-ways // 4) + _multiplexer_luts(bits, joined)


def _shifter(part: Any) -> FpgaCost:
    pairs, rest = divmod(part.distance.bit_length(), 2)
    return _luts(part.bits * pairs + rest * -(-part.bits // 2), "4:1 multiplexers, two bits of the distance a LUT")


def _lookup(part: Any) -> FpgaCost:
    blocks = -(-part.entries // 64) if part.entries > 1 else 0
    joined = _multiplexer_luts(part.bits, -(-blocks // 8))  # F7 to F9 join eight LUTs
    return _luts(part.bits * blocks + joined, "64 entries a LUT and bit")


def _gates(part: Any) -> FpgaCost:
    adds = part.kind in ("full_adder", "half_adder")
    return _luts(part.count if adds else -(-part.count // 2), "an adder cell a LUT" if adds else "two gates a LUT")


_RULES: dict[type[Primitive], Callable[[Any], FpgaCost]] = {
    IntegerAdder: lambda part: _luts(part.bits, "1 LUT per bit and the carry chain"),
    Rounder: lambda part: _luts(part.bits, "1 LUT per bit and the carry chain"),
    Comparator: lambda part: _luts(-(-part.bits // 2), "1 LUT per 2 bits and the carry chain"),
    Multiplexer: lambda part: _luts(_multiplexer_luts(part.bits, part.ways), "4:1 a LUT, two 2:1 a LUT"),
    Shifter: _shifter,
    LeadingZeroCounter: lambda part: _luts(part.bits, "1 LUT per bit", "no source (assumed)"),
    OrTree: lambda part: _luts(-(-max(part.bits - 1, 0) // 5), "6-input gates"),
    Gate: _gates,
    LookupTable: _lookup,
    Register: lambda part: FpgaCost(flip_flops=part.bits, sources=(f"1 flip-flop per bit; {CLB}",)),
}
