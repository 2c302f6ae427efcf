"""The ports of a memory in ZigZag's accelerator files: bits per cycle each way, and what passes side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hwsim.base.document import Document

_READ, _WRITE = ("tl", "th"), ("fh", "fl")
"""To the level below and above, from the level above and below."""


@dataclass(frozen=True)
class Way:
    """One operand through one port in one direction."""

    operand: str
    direction: str
    """fh, tl, fl or th."""
    port: str
    bits: int
    """In a cycle, at most."""


@dataclass(frozen=True)
class Ports:
    """All ways of a memory. Where ports differ in width the narrowest counts, for rates and for energies."""

    ways: tuple[Way, ...]

    @property
    def read(self) -> int:
        """Bits given in a cycle."""
        return min(way.bits for way in self.ways if way.direction in _READ)

    @property
    def write(self) -> int:
        """Bits taken in a cycle."""
        return min(way.bits for way in self.ways if way.direction in _WRITE)

    @property
    def shared(self) -> bool:
        """Whether one port does everything."""
        return len({way.port for way in self.ways}) == 1

    def reads_apart(self, first: str, second: str) -> bool:
        """Whether two operands leave for below through ports of their own."""
        down = [
            {way.port for way in self.ways if way.operand == one and way.direction == "tl"} for one in (first, second)
        ]
        return bool(down[0]) and bool(down[1]) and not down[0] & down[1]


def ports_of(document: Document, place: tuple[Any, ...], entry: dict[str, Any]) -> Ports:
    """The ports of one memory, in either spelling; raises `InputError` with the place of what is missing."""
    at, written = (*place, "ports"), entry.get("ports")
    if not isinstance(written, list) or not written or not all(isinstance(port, dict) for port in written):
        raise document.error(at, "expected a list of ports")
    allocated = any("type" in port or "allocation" in port for port in written)
    ways = _allocated(document, at, written) if allocated else _by_operand(document, place, entry)
    for direction, word in ((_READ, "reads"), (_WRITE, "writes")):
        if not any(way.direction in direction for way in ways):
            raise document.error(at, f"expected a port that {word}")
    return Ports(tuple(ways))


def _allocated(document: Document, at: tuple[Any, ...], written: list[dict[str, Any]]) -> list[Way]:
    """ZigZag 3.7 and later: each port with its type, widths and what it is for (``I1, tl``)."""
    ways = []
    for index, port in enumerate(written):
        bits = _bits(document, (*at, index), port, "bandwidth_max")
        name = str(port.get("name", index))
        uses = port.get("allocation") or []
        uses = uses if isinstance(uses, list) else [uses]
        found = [tuple(part.strip() for part in str(one).split(",")) for one in uses]
        if not found:  # whatever its type allows
            kind = str(port.get("type", ""))
            directions = (_READ if kind.startswith("read") else ()) + (_WRITE if "write" in kind else ())
            found = [("", direction) for direction in directions]
        for one in found:
            if len(one) != 2 or one[1] not in (*_READ, *_WRITE):
                raise document.error((*at, index), f"expected an allocation such as 'I1, tl', got '{', '.join(one)}'")
            ways.append(Way(one[0], one[1], name, bits))
    return ways


def _by_operand(document: Document, place: tuple[Any, ...], entry: dict[str, Any]) -> list[Way]:
    """Earlier: for each operand the port of every direction; all read r_bw bits and write w_bw."""
    bits = {True: _bits(document, place, entry, "r_bw"), False: _bits(document, place, entry, "w_bw")}
    return [
        Way(str(operand), direction, str(port), bits[direction in _READ])
        for operand, ports in zip(entry["operands"], entry["ports"], strict=False)
        for direction, port in ports.items()
        if direction in (*_READ, *_WRITE)
    ]


def _bits(document: Document, place: tuple[Any, ...], entry: dict[str, Any], key: str) -> int:
    value = entry.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        found = f"missing key '{key}'" if key not in entry else f"{key}: expected bits in a cycle, got {value!r}"
        raise document.error(place, found)
    return value
