"""A YAML file as plain data that remembers where everything was written.

>>> document = parse_document("compute: {rows: 32}", "array.yaml")
>>> document.data, document.position(("compute", "rows"))
({'compute': {'rows': 32}}, (1, 17))
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwsim.base.compose import Location, Position, compose, dotted
from hwsim.base.errors import InputError, did_you_mean

MAX_BYTES = 8 << 20
"""Descriptions are written by people; anything larger is data, or a mistake."""


@dataclass(frozen=True)
class Document:
    """Plain data of one file, and the position of each key and value in it."""

    shown: str
    """The file as the user named it; messages begin with it."""
    data: dict[str, Any]
    values: Mapping[Location, Position] = field(default_factory=dict, repr=False)
    keys: Mapping[Location, Position] = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)
    """The file as it was read."""

    @property
    def path(self) -> Path:
        return Path(self.shown)

    def position(self, location: Location) -> Position:
        """Line and column, from one, of the value at ``location`` or of the nearest value around it."""
        for length in range(len(location), -1, -1):
            if location[:length] in self.values:
                return self.values[location[:length]]
        return 1, 1

    def key_position(self, location: Location) -> Position:
        """Line and column of the key at ``location``."""
        return self.keys.get(location) or self.position(location)

    def error(self, location: Location, message: str, at: Position | None = None) -> InputError:
        """``file:line:column: path: message`` in one line, placed at the value unless ``at`` says otherwise."""
        line, column = at or self.position(location)
        where = f"{self.shown}:{line}:{column}: " if self.values else f"{self.shown}: "
        path = f"{dotted(location)}: " if location else ""
        return InputError(where + path + " ".join(message.split()))


def parse_document(text: str, shown: str, rows_as: str | None = None, again: tuple[str, ...] = ()) -> Document:
    """``text`` as a `Document`; raises `InputError` for what is not a mapping in hwsim's dialect of YAML.

    A list at the top, as in other tools' files, becomes the value of ``rows_as`` where that is given. Of keys named
    in ``again`` that come again in their mapping, the last counts.
    """
    composed = compose(text, shown, again)
    if rows_as is not None and isinstance(composed.data, list):
        values = {(rows_as, *location): position for location, position in composed.values.items()}
        keys = {(rows_as, *location): position for location, position in composed.keys.items()}
        return Document(shown, {rows_as: composed.data}, values, keys, text)
    if composed.data is None:
        raise InputError(f"{shown}: the file is empty; expected keys and values")
    if not isinstance(composed.data, dict):
        line, column = composed.values[()]
        got = "a list" if isinstance(composed.data, list) else "a single value"
        raise InputError(f"{shown}:{line}:{column}: expected keys and values at the top, got {got}")
    return Document(shown, composed.data, composed.values, composed.keys, text)


def read_document(
    path: str | os.PathLike[str],
    *,
    max_bytes: int = MAX_BYTES,
    rows_as: str | None = None,
    again: tuple[str, ...] = (),
) -> Document:
    """Read a YAML file of at most ``max_bytes``; ``rows_as`` and ``again`` as in `parse_document`.

    Raises `InputError`, in one line, for a file that is missing, no regular file, too large (told by its size,
    without reading it), not UTF-8, or not a mapping in hwsim's dialect of YAML (`hwsim.base.compose`).
    """
    shown = os.fspath(path)
    raw = _read(shown, max_bytes)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = len(raw[raw.rfind(b"\n", 0, error.start) + 1 : error.start].decode("utf-8")) + 1
        raise InputError(
            f"{shown}:{line}:{column}: byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8 text"
        ) from None
    return parse_document(text, shown, rows_as, again)


def _read(shown: str, max_bytes: int) -> bytes:
    try:
        status = Path(shown).stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{shown}: is a folder; name a YAML file in it")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{shown}: is not a regular file")
        if status.st_size > max_bytes:
            raise InputError(f"{shown}: {_size(status.st_size)} is more than the {_size(max_bytes)} allowed for YAML")
        with Path(shown).open("rb") as file:
            raw = file.read(max_bytes + 1)
    except FileNotFoundError:
        raise InputError(f"{shown}: no such file{_near(Path(shown))}") from None
    except OSError as error:
        raise InputError(f"{shown}: cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a NUL in the name
        raise InputError(f"{shown!r}: cannot be read: {error}") from None
    if len(raw) > max_bytes:
        raise InputError(f"{shown}: more than the {_size(max_bytes)} allowed for YAML")
    return raw


def _size(count: int) -> str:
    return f"{count / (1 << 20):.1f} MiB" if count >= 1 << 20 else f"{count} B"


def _near(path: Path) -> str:
    """The tail of a message about a missing file: the nearest name in its folder."""
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return ""
    tail = did_you_mean(path.name, names)
    return tail if "did you mean" in tail else ""
