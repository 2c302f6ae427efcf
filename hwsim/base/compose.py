"""YAML text to plain data, with the line and column of every key and value.

The dialect is YAML without its traps, close to YAML 1.2's core schema:

- numbers are ``12``, ``1_000``, ``1.5``, ``1e3`` (1000, not text), ``0x10`` (16), ``0o17`` (15); ``010``, octal to
  YAML 1.1 and ten to 1.2, is refused, and so are infinities and NaN;
- only ``true`` and ``false`` are booleans: ``yes``, ``no``, ``on``, ``off`` are text, and so are ``1:30`` (not 90) and
  dates;
- a key is the text that was written (``on``, ``7``), and stands once in its mapping;
- tabs before text, anchors, aliases, tags, a second document and nesting beyond 64 levels are refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from hwsim.base.errors import InputError

MAX_DEPTH = 64

Location = tuple[str | int, ...]
"""Keys and list indices from the top to a value."""
Position = tuple[int, int]
"""Line and column, counted from one."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAB = re.compile(r"^ *(\t)[ \t]*[^\s#]", re.MULTILINE)
# What YAML 1.2 section 5.1 calls printable; U+FEFF opens a file only.
_UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*(_[0-9]+)*)")
_BASED = re.compile(r"0x[0-9a-fA-F]+|0o[0-7]+")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_REAL = re.compile(r"[-+]?([0-9]+(_[0-9]+)*\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_CONSTANTS: dict[str, bool | None] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_CONSTANTS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_MAX_DIGITS = 400
_SYNTAX = {
    "mapping values are not allowed": "unexpected ':'; this line already has a value, or its indentation is wrong",
    "could not find expected ':'": "expected ':' and a value after the key",
    "expected ',' or ']'": "this list is not closed: expected ',' or ']'",
    "expected ',' or '}'": "this mapping is not closed: expected ',' or '}'",
    "unexpected end of stream": "the quoted text is not closed",
    "cannot start any token": "unexpected character; quote the text that begins with it",
    "expected <block end>": "unexpected text; check the indentation",
    "expected <document start>": "expected keys and values",
    "expected node content": "expected a value here",
    "expected the node content": "expected a value here",
    "did not find expected key": "expected a key; check the indentation",
    "did not find expected '-' indicator": "expected '-', another entry of the list; check the indentation",
    "maximum nesting depth": f"nested more than {MAX_DEPTH} levels deep",  # PyYAML 6.0.4 stops at its own limit first
}


@dataclass
class Composed:
    """Plain data and where each part of it was written."""

    data: Any = None
    values: dict[Location, Position] = field(default_factory=dict)
    """Location to the position of the value."""
    keys: dict[Location, Position] = field(default_factory=dict)
    """Location to the position of the key, for values of mappings."""


def compose(text: str, shown: str, again: tuple[str, ...] = ()) -> Composed:
    """Parse ``text``; ``shown`` names its file in messages. Raises `InputError` with line and column.

    Of a key in ``again`` that stands in its mapping more than once, the last counts.
    """
    text = text.removeprefix("\ufeff")
    if bad := _UNPRINTABLE.search(text):
        raise _error(shown, _place(text, bad.start()), f"character U+{ord(bad[0]):04X} is not allowed in YAML")
    if tab := _TAB.search(text):
        raise _error(shown, _place(text, tab.start(1)), "tab before text; indent with spaces")
    try:
        return _Composer(shown, yaml.parse(text, Loader=_LOADER), again).document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (getattr(mark, "line", 0) + 1, getattr(mark, "column", 0) + 1)
        problem = str(error.problem or error.context)
        meaning = next((said for part, said in _SYNTAX.items() if part in problem), problem)
        raise _error(shown, place, f"not YAML: {meaning}") from None


def _place(text: str, index: int) -> Position:
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _error(shown: str, position: Position, message: str) -> InputError:
    return InputError(f"{shown}:{position[0]}:{position[1]}: {message}")


def _start(event: yaml.Event) -> Position:
    mark: Any = event.start_mark
    return mark.line + 1, mark.column + 1


class _Composer:
    """Events of the parser to data; stops at the first thing outside the dialect."""

    def __init__(self, shown: str, events: Iterator[yaml.Event], again: tuple[str, ...] = ()) -> None:
        self.shown = shown
        self.events = events
        self.again = again
        self.out = Composed()

    def document(self) -> Composed:
        for event in self.events:
            if isinstance(event, (yaml.StreamStartEvent, yaml.DocumentEndEvent, yaml.StreamEndEvent)):
                continue
            if not isinstance(event, yaml.DocumentStartEvent):
                raise self.refuse(event, "unexpected text")
            if self.out.values:
                raise self.refuse(event, "a second document starts here; a file holds one")
            self.out.data = self.node(next(self.events), ())
        return self.out

    def refuse(self, event: yaml.Event, message: str) -> InputError:
        return _error(self.shown, _start(event), message)

    def node(self, event: yaml.Event, location: Location) -> Any:
        if len(location) > MAX_DEPTH:
            raise self.refuse(event, f"nested more than {MAX_DEPTH} levels deep")
        if isinstance(event, yaml.AliasEvent):
            raise self.refuse(event, "aliases (*name) are not supported; write the value out")
        if getattr(event, "anchor", None) is not None:
            raise self.refuse(event, "anchors (&name) are not supported; write each value where it is used")
        if (tag := getattr(event, "tag", None)) is not None:
            raise self.refuse(event, f"tags ({str(tag)[:40]}) are not supported; remove it")
        self.out.values[location] = _start(event)
        if isinstance(event, yaml.MappingStartEvent):
            return self.mapping(location)
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(location)
        return self.scalar(event)

    def mapping(self, location: Location) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise self.refuse(event, "a key must be a word")
            key = str(event.value)
            if event.anchor is not None or event.tag is not None:
                raise self.refuse(event, "anchors and tags are not supported")
            if key in found and key not in self.again:
                line = self.out.keys[*location, key][0]
                raise self.refuse(event, f"{_dotted(location)}duplicate key '{key[:60]}', first on line {line}")
            self.out.keys[*location, key] = _start(event)
            found[key] = self.node(next(self.events), (*location, key))
        return found

    def sequence(self, location: Location) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            found.append(self.node(event, (*location, len(found))))
        return found

    def scalar(self, event: Any) -> Any:
        text: str = event.value
        if not event.implicit[0]:  # quoted or block text
            return text
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        if len(text) > _MAX_DIGITS:
            return text
        if _DECIMAL.fullmatch(text):
            return int(text)
        if _BASED.fullmatch(text):
            return int(text, 0)
        if _LEADING_ZERO.fullmatch(text):
            raise self.refuse(event, f"'{text}' could mean octal or decimal; write it without the leading zero")
        if _NOT_FINITE.fullmatch(text) or (_REAL.fullmatch(text) and not math.isfinite(float(text))):
            raise self.refuse(event, f"'{text}' is not a finite number")
        return float(text) if _REAL.fullmatch(text) else text


def _dotted(location: Location) -> str:
    return f"{dotted(location)}: " if location else ""


def dotted(location: Location) -> str:
    """``compute.pe.accumulator.bits``, ``operators[2].name``: a location as people write it."""
    text = ""
    for part in location:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            word = part if part.isprintable() and part else repr(part)
            text += f".{word[:60]}" if text else word[:60]
    return text
