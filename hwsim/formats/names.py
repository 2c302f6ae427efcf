"""Formats by name: the catalogue, the patterns (``e4m3``, ``int8``, ``q4.4``) and other people's spellings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from hwsim.base.errors import InputError, did_you_mean
from hwsim.formats.base import Format, families


@dataclass(frozen=True)
class Entry:
    """A named format with the place that defines it and the other names it goes by."""

    format: Format
    source: str
    aliases: tuple[str, ...] = ()


_entries: dict[str, Entry] = {}
_aliases: dict[str, str] = {}


def register(format: Format, source: str, *aliases: str) -> None:
    """Give ``format`` its name and ``aliases``; a name twice is a `ValueError`."""
    for name in (format.name, *aliases):
        if name in _entries or name in _aliases:
            raise ValueError(f"two formats are named '{name}'")
    _entries[format.name] = Entry(format, source, aliases)
    _aliases.update(dict.fromkeys(aliases, format.name))


def entries() -> dict[str, Entry]:
    """The catalogue: name to format, source and aliases."""
    families.items()  # imports every module of the package, the catalogue among them
    return dict(_entries)


def names() -> list[str]:
    """Names of the catalogue in the order of their registration; patterns make many more."""
    return list(entries())


def get(name: str | Format) -> Format:
    """The format that ``name`` means: of the catalogue, an alias, or a pattern; a `Format` is returned as it is.

    >>> get("float8_e4m3fn").max
    448.0
    >>> get("e2m3").bits, get("q4.4").min, get("int6").max
    (6, -8.0, 31)

    Raises `InputError` with the nearest name for an unknown one.
    """
    if isinstance(name, Format):
        return name
    if not isinstance(name, str):
        raise InputError(f"expected the name of a number format, got {name!r}")
    return _get(name)


@lru_cache(maxsize=4096)
def _get(name: str) -> Format:
    known = entries()
    name = _aliases.get(name, name)
    if name in known:
        return known[name].format
    for family in families.items().values():
        found = family.parse(name)
        if found is not None:
            return found
    raise InputError(f"unknown format '{name}'{did_you_mean(name, [*known, *_aliases])}")


class _ByName:
    """Pydantic annotation: a format given by name or as it is; in JSON its name."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.json_or_python_schema(
            json_schema=core_schema.chain_schema(
                [core_schema.str_schema(), core_schema.no_info_plain_validator_function(_validated)]
            ),
            python_schema=core_schema.no_info_plain_validator_function(_validated),
            serialization=core_schema.to_string_ser_schema(when_used="unless-none"),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {"type": "string", "description": "a number format", "examples": ["fp16", "e4m3fn", "int8", "q4.4"]}


def _validated(value: Any) -> Format:
    try:
        return get(value)
    except InputError as error:
        raise ValueError(str(error)) from None


FormatName = Annotated[Format, _ByName()]
"""Type of a field that names a format in YAML."""
