"""Errors that a user reads: one line, what was expected, what came, the nearest valid name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


class HwsimError(Exception):
    """A run could not be done; the message is one line (exit code 1)."""

    exit_code = 1


class InputError(HwsimError):
    """Something the user wrote is wrong; the message is one line with its place (exit code 2)."""

    exit_code = 2


class PlacedError(InputError):
    """One whose line begins with the file, line and column; nothing is put before it."""


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Puts ``what`` and a colon in front of an error's line."""
    try:
        yield
    except PlacedError:
        raise
    except HwsimError as error:
        kind = InputError if isinstance(error, InputError) else HwsimError
        raise kind(f"{what}: {error}") from None


def did_you_mean(name: object, choices: Iterable[str]) -> str:
    """The tail of an error message: ``; did you mean 'x'?`` or, with nothing close, the choices."""
    known = sorted(choices)
    spelled = {choice.lower(): choice for choice in known}
    close = difflib.get_close_matches(str(name).lower(), spelled, n=1, cutoff=0.6)
    if close:
        return f"; did you mean '{spelled[close[0]]}'?"
    return f"; known: {', '.join(known)}" if 0 < len(known) <= 16 else ""
