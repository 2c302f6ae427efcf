"""What there is to say about a format, from its record: fields and what they count, what follows, where it is from."""

from __future__ import annotations

import ast
import inspect
import math
import textwrap
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import cache
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from hwsim.base.record import Record
from hwsim.formats.analysis.compare import is_block
from hwsim.formats.base import TABLE_BITS
from hwsim.formats.names import block_aliases, entries

BY_PATTERN = "by the pattern of its name"
"""Source of a format that the catalogue does not list."""

_LONGEST = 40
"""Characters of a field's value that are shown."""


class Fact(NamedTuple):
    """A property, its value as text, and what it means."""

    name: str
    value: str
    meaning: str


_DERIVED = (
    "bits", "max", "min", "smallest", "min_normal", "min_subnormal", "eps", "binades", "dynamic_range_db", "code_count",
    "value_count", "bits_per_value",
)  # fmt: skip


def record_facts(fmt: Any) -> list[Fact]:
    """The fields of the record but its name and source, with what each counts."""
    return [Fact(name, text_of(getattr(fmt, name)), meaning) for name, meaning in field_meanings(type(fmt)).items()]


def field_meanings(kind: type) -> dict[str, str]:
    """What the fields of a record mean: the docstrings below them, or of what they override."""
    names: list[str]
    if is_dataclass(kind):
        names = [field.name for field in fields(kind) if field.init]
    else:
        names = list(getattr(kind, "model_fields", {}))
    return {name: meaning_of(kind, name) for name in names if name not in ("name", "source")}


def meaning_of(kind: type, name: str) -> str:
    """The docstring of a field or property of ``kind``, of its own or of the class that it has it from."""
    found = (documented_names(base) for base in kind.__mro__ if base.__module__.startswith("hwsim"))
    return one_line(next((docs[name] for docs in found if name in docs), ""))


def derived_facts(fmt: Any) -> list[Fact]:
    """What follows from the record, as far as the format has it, with the first sentence of what it is."""
    skipped = {*field_meanings(type(fmt)), *({"smallest"} if hasattr(fmt, "min_subnormal") else ())}
    skipped |= {"value_count"} if getattr(fmt, "bits", 0) > TABLE_BITS else set()
    return [
        Fact(name.removesuffix("_db").replace("_", " "), _derived_text(fmt, name), meaning_of(type(fmt), name))
        for name in _DERIVED
        if name not in skipped and hasattr(fmt, name)
    ]


def _derived_text(fmt: Any, name: str) -> str:
    value = getattr(fmt, name)
    return {"binades": "{:.4g}", "dynamic_range_db": "{:.1f} dB"}.get(name, text_of(value)).format(value)


def policy_facts(fmt: Any) -> list[Fact]:
    """Specials, and what happens to what does not fit."""
    lost = "policy: error, zero, negative_zero or max"
    return [
        Fact("infinities", text_of(fmt.has_inf), ""),
        Fact("NaN", text_of(fmt.has_nan), "" if fmt.has_nan else lost),
        Fact("overflow", ", ".join(fmt.overflows), "the first is the default"),
    ]


def finite_values(fmt: Any) -> list[float]:
    """The different finite values of a format of up to 16 bits, ascending."""
    values = np.unique(np.asarray(fmt.values(), np.float64))
    return [float(value) + 0.0 for value in values[np.isfinite(values)]]


def source_of(fmt: Any) -> tuple[str, tuple[str, ...]]:
    """Where a format is defined, and its other names."""
    if is_block(fmt):
        return fmt.source or BY_PATTERN, block_aliases(fmt.name)
    entry = entries().get(fmt.name)
    return (BY_PATTERN, ()) if entry is None else (entry.source, entry.aliases)


def text_of(value: Any) -> str:
    """A value as a person writes it; long lists are cut."""
    if value is None or isinstance(value, bool):
        return {None: "none", True: "yes", False: "no"}[value]
    if isinstance(value, int):
        return f"2^{value.bit_length() - 1}" if value >= 1 << 20 and value.bit_count() == 1 else str(value)
    if isinstance(value, tuple):
        return textwrap.shorten(", ".join(text_of(each) for each in value), _LONGEST, placeholder=" …")
    if isinstance(value, Record):
        return ", ".join(f"{name} {text_of(each)}" for name, each in value)
    return f"{value:.9g}" if isinstance(value, float) else str(value)


def power_of_two(value: float) -> str:
    """A power of two outside 0.125 to 512 as 2^k, anything else in three digits: 2^-126, 448, 3.39e+38."""
    fraction, exponent = math.frexp(value)
    plain = -2 <= exponent <= 10
    return f"{value:.3g}" if plain or abs(fraction) != 0.5 else f"{'-' if value < 0 else ''}2^{exponent - 1}"


@cache
def documented_names(body: type | ModuleType) -> dict[str, str]:
    """Docstrings of names and properties in a class or module, those under ``if TYPE_CHECKING`` included."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(body)))
    return dict(_docstrings(tree.body[0] if isinstance(body, type) else tree))


def _docstrings(node: Any) -> Iterator[tuple[str, str]]:
    for statement, after in zip(node.body, [*node.body[1:], None], strict=True):
        text = ast.get_docstring(statement) if isinstance(statement, ast.FunctionDef) else _string(after)
        if isinstance(statement, ast.If):
            yield from _docstrings(statement)
        elif text and isinstance(statement, ast.FunctionDef):
            yield statement.name, text
        elif text and isinstance(statement, (ast.Assign, ast.AnnAssign)):
            target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
            yield ast.unparse(target), text


def _string(node: Any) -> str | None:
    constant = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return inspect.cleandoc(node.value.value) if constant and isinstance(node.value.value, str) else None


def one_line(text: str) -> str:
    """A docstring's lines as one."""
    return " ".join(text.split())
