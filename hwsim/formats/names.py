"""Formats by name: the catalogue, the patterns (``e4m3``, ``int8``, ``q4.4``) and other people's spellings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from hwsim.base.errors import InputError, did_you_mean
from hwsim.formats.base import Format, families

if TYPE_CHECKING:
    from hwsim.formats.block_format import BlockFormat


@dataclass(frozen=True)
class Entry:
    """A named format with the place that defines it and the other names it goes by."""

    format: Format
    source: str
    aliases: tuple[str, ...] = ()


_entries: dict[str, Entry] = {}
_blocks: dict[str, BlockFormat] = {}
_aliases: dict[str, str] = {}


def register(format: Format, source: str, *aliases: str) -> None:
    """Give ``format`` its name and ``aliases``; a name twice is a `ValueError`."""
    _claim(format.name, aliases)
    _entries[format.name] = Entry(format, source, aliases)


def register_block(format: BlockFormat, *aliases: str) -> None:
    """The same for a block format, which brings its source along."""
    _claim(format.name, aliases)
    _blocks[format.name] = format


def _claim(format_name: str, aliases: tuple[str, ...]) -> None:
    for name in (format_name, *aliases):
        if name in _entries or name in _blocks or name in _aliases:
            raise ValueError(f"two formats are named '{name}'")
    _aliases.update(dict.fromkeys(aliases, format_name))
    _get.cache_clear()  # a pattern may have given the name another meaning


def entries() -> dict[str, Entry]:
    """The catalogue of formats of single numbers: name to format, source and aliases."""
    families.items()  # imports every module of the package, the catalogue among them
    return dict(_entries)


def blocks() -> dict[str, BlockFormat]:
    """The catalogue of block formats."""
    families.items()
    return dict(_blocks)


def block_aliases(name: str) -> tuple[str, ...]:
    """Other names of a block format."""
    return tuple(alias for alias, meant in _aliases.items() if meant == name)


def names() -> list[str]:
    """Names of the catalogue in the order of their registration; patterns make many more."""
    return [*entries(), *blocks()]


def get(name: str | Format | BlockFormat) -> Any:
    """The format that ``name`` means: of the catalogue, an alias, or a pattern; a format is returned as it is.

    A `Format` of single numbers, or the `BlockFormat` of a name like ``mxfp4``; `scalar` and `block` are the same
    with one type each.

    >>> get("float8_e4m3fn").max
    448.0
    >>> get("e2m3").bits, get("q4.4").min, get("int6").max
    (6, -8.0, 31)
    >>> get("nvfp4").bits_per_value
    4.5

    Raises `InputError` with the nearest name for an unknown one.
    """
    if not isinstance(name, str):
        if isinstance(name, Format) or getattr(name, "kind", None) == "block":
            return name
        raise InputError(f"expected the name of a number format, got {name!r}")
    return _get(name)


def scalar(name: str | Format) -> Format:
    """`get` of a format of single numbers; `InputError` for a block format."""
    found = get(name)
    if not isinstance(found, Format):
        raise InputError(f"'{found.name}' is a block format; its elements are '{found.element.name}'")
    return found


def block(name: str | BlockFormat) -> BlockFormat:
    """`get` of a block format; `InputError` for any other."""
    found = get(name)
    if isinstance(found, Format):
        raise InputError(f"'{found.name}' has no blocks{did_you_mean(found.name, blocks())}")
    return found  # type: ignore[no-any-return]  # what is no Format is a BlockFormat


@lru_cache(maxsize=4096)
def _get(name: str) -> Format | BlockFormat:
    known, shared = entries(), blocks()
    name = _aliases.get(name, name)
    if name in known:
        return known[name].format
    if name in shared:
        return shared[name]
    for family in families.items().values():
        found = family.parse(name)
        if found is not None:
            return found
    raise InputError(f"unknown format '{name}'{did_you_mean(name, [*known, *shared, *_aliases])}")


class _ByName:
    """Pydantic annotation: a format given by name or as it is; in JSON its name."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.json_or_python_schema(
            json_schema=core_schema.chain_schema(
                [core_schema.any_schema(), core_schema.no_info_plain_validator_function(_validated)]
            ),
            python_schema=core_schema.no_info_plain_validator_function(_validated),
            serialization=core_schema.to_string_ser_schema(when_used="unless-none"),
        )

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        written = {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]}
        named = {"type": "string", "examples": ["fp16", "e4m3fn", "int8", "q4.4"]}
        return {"anyOf": [named, written], "description": "a number format"}


def _validated(value: Any) -> Format:
    if isinstance(value, Mapping):
        from hwsim.formats.description import described

        value = described(value)
    try:
        return scalar(value)
    except InputError as error:
        raise ValueError(str(error)) from None


FormatName = Annotated[Format, _ByName()]
"""Type of a field that is a format in YAML: a name, or a kind and its fields (`hwsim.formats.description`)."""
