"""Formats written in YAML: a kind and its fields, inline where a name could stand or in a file of their own."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from hwsim.base.document import read_document
from hwsim.base.errors import InputError, did_you_mean
from hwsim.base.validate import LocatedError
from hwsim.formats.base import Format, families
from hwsim.formats.block_format import BlockFormat
from hwsim.formats.names import get


def described(data: Mapping[str, Any], name: str | None = None) -> Format | BlockFormat:
    """The format of a mapping like ``{kind: float, exponent_bits: 4, precision: 3, bias: 9}``.

    ``kind`` is a family (``hwsim list formats``) or ``block``, the other keys are the fields of its record. A format
    without a ``name`` is called by ``name``, or by what it says. Raises `LocatedError` at the key that is wrong.

    >>> described({"kind": "codebook", "levels": [-1, 0, 1, 4]}, "mine").max
    4.0
    """
    kinds: dict[str, type[Any]] = {**families.items(), "block": BlockFormat}
    if "kind" not in data:
        raise LocatedError((), f"expected a kind: {', '.join(sorted(kinds))}")
    if not isinstance(data["kind"], str) or data["kind"] not in kinds:
        raise LocatedError(("kind",), f"unknown kind of format '{data['kind']}'{did_you_mean(data['kind'], kinds)}")
    record = kinds[data["kind"]]
    fields = {"name": name or _called(data), **{key: value for key, value in data.items() if key != "kind"}}
    _check_keys(record, fields)
    try:
        made: Format | BlockFormat = TypeAdapter(record).validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        raise LocatedError(tuple(first["loc"]), str(first["msg"]).removeprefix("Value error, ")) from None
    except InputError as error:
        raise LocatedError((), str(error)) from None
    return made


def named_or_described(name: str) -> list[Format | BlockFormat]:
    """The format of that name, or those that the YAML file of that name describes."""
    return list(load(name).values()) if name.endswith((".yaml", ".yml")) else [get(name)]


def _with_siblings(data: Any, found: Mapping[str, Format | BlockFormat]) -> Any:
    """A description whose fields may name formats that stand before it in the file."""
    if not isinstance(data, Mapping):
        return data
    named = {key: found[value] for key, value in data.items() if isinstance(value, str) and value in found}
    return {**data, **{key: fmt for key, fmt in named.items() if key in ("element", "scale")}}


def _called(data: Mapping[str, Any]) -> str:
    fields = ", ".join(f"{key}={value}" for key, value in data.items() if key != "kind")
    return f"{data['kind']}({fields})" if len(fields) <= 60 else str(data["kind"])


def _check_keys(record: type[Any], fields: Mapping[str, Any]) -> None:
    known = set(record.model_fields) if record is BlockFormat else {field.name for field in dataclasses.fields(record)}
    for key in fields:
        if key not in known:
            raise LocatedError((key,), f"unknown key '{key}'{did_you_mean(key, known)}")


def load(path: str | os.PathLike[str]) -> dict[str, Format | BlockFormat]:
    """The formats that a YAML file describes, by name.

    Either one description at the top, named after the file if it has no ``name``, or several under ``formats:``, by
    name. Raises `InputError` with file, line and column.
    """
    document = read_document(path)
    several = "formats" in document.data
    named = document.data["formats"] if several else {document.data.get("name", Path(path).stem): document.data}
    if not isinstance(named, Mapping) or (several and len(document.data) > 1):
        raise document.error(("formats",), "expected names and descriptions of formats, and nothing beside them")
    found: dict[str, Format | BlockFormat] = {}
    for name, written in named.items():
        data = _with_siblings(written, found)
        place = ("formats", name) if several else ()
        if not isinstance(data, Mapping):
            raise document.error(place, "expected a kind and its fields")
        try:
            found[str(name)] = described(data, str(name))
        except LocatedError as error:
            raise document.error((*place, *error.location), str(error)) from None
    return found
