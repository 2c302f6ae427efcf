"""A document as a record, and a pydantic error as one line with its place and remedy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from hwsim.base.compose import Location, Position
from hwsim.base.document import Document
from hwsim.base.errors import HwsimError, InputError, did_you_mean
from hwsim.base.messages import expected, got
from hwsim.base.schema_walk import Node, SchemaWalk

Model = TypeVar("Model", bound=BaseModel)

_SHAPES = ("model_type", "model_attributes_type", "dict_type", "list_type", "tuple_type", "dataclass_type")


class LocatedError(ValueError):
    """For validators that see a whole record: the message belongs to ``location`` inside it."""

    def __init__(self, location: Location, message: str, at_key: bool = False) -> None:
        super().__init__(message)
        self.location = location
        self.at_key = at_key
        """Whether it is about the key at ``location`` and not about its value."""


@dataclass(frozen=True)
class Problem:
    """One error of pydantic, placed in the document."""

    error: dict[str, Any]
    path: Location
    """Where in the data, without tags and labels."""
    nodes: list[Node]
    """What could have stood there."""
    keys: list[str]
    """The keys that the mapping around it may have."""

    @property
    def at_key(self) -> bool:
        return bool(self.error["type"] == "extra_forbidden")

    @property
    def parent(self) -> Location:
        return self.path[:-1]


def validate(model: type[Model], document: Document) -> Model:
    """``document`` as a ``model``; raises `InputError` with the place and the remedy of its first problem."""
    try:
        record = model.model_validate(document.data, context={"source": document.path})
    except ValidationError as error:
        raise describe(error, model, document) from None
    except HwsimError as error:  # raised below pydantic, which adds the place to a ValueError only
        message = str(error)
        raise InputError(message if message.startswith(document.shown) else f"{document.shown}: {message}") from None
    for path in _booleans(document.data, ()):
        value = _reach(record, path)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            raise document.error(path, f"expected a number, got {got(_reach(document.data, path))}")
    return record


def describe(error: ValidationError, model: type[BaseModel], document: Document) -> InputError:
    """The first problem in the file as one line; of a union's branches, the one that came nearest."""
    walk = SchemaWalk(model)
    problems = [_place(dict(one), walk, document) for one in error.errors(include_url=False)]
    problems = [one for one in problems if not _secondary(one, problems)]
    first = min(problems, key=lambda one: _position(one, document))
    same = [one for one in problems if one.path == first.path and one.error["type"] != "value_error"]
    return _message(first, same or [first], document)


def _place(error: dict[str, Any], walk: SchemaWalk, document: Document) -> Problem:
    """Follow the error's location through schema and data at once, keeping what are keys of the data."""
    location: Location = error["loc"]
    cause = error.get("ctx", {}).get("error")
    path: list[str | int] = []
    nodes: list[Node] = [walk.top]
    data: Any = document.data
    for index, part in enumerate(location):
        further, is_tag = walk.step(nodes, part)
        nodes = further or nodes
        last = index == len(location) - 1 and error["type"] == "missing"
        if not is_tag and (last or _holds(data, part)):
            path.append(part)
            data = None if last else data[part]
    if isinstance(cause, LocatedError):
        path.extend(cause.location)
    leaves = [leaf for leaf, _ in walk.leaves(nodes)]
    if location[-1:] == ("[key]",) and error["type"] == "literal_error":
        error["type"] = "extra_forbidden"  # a mapping whose keys are names: a misspelt one is an unknown key
        return Problem(error, tuple(path), leaves, re.findall("'([^']+)'", error["ctx"]["expected"]))
    return Problem(error, tuple(path), leaves, walk.keys_at(location[:-1]))


def _holds(data: Any, part: str | int) -> bool:
    if isinstance(data, dict):
        return part in data
    return isinstance(data, list) and isinstance(part, int) and 0 <= part < len(data)


def _secondary(problem: Problem, problems: list[Problem]) -> bool:
    """Whether another problem says it better: a key is missing because it is misspelt, or a branch came nearer."""
    for other in problems:
        if other is problem:
            continue
        if problem.error["type"] == "missing" and other.at_key and other.parent == problem.parent:
            return True
        if len(other.path) > len(problem.path) and other.path[: len(problem.path)] == problem.path:
            return True
        is_shape = problem.error["type"] in _SHAPES
        if is_shape and other.path == problem.path and other.error["type"] not in _SHAPES:
            return True
    return False


def _position(problem: Problem, document: Document) -> Position:
    return document.key_position(problem.path) if problem.at_key else document.position(problem.path)


def _message(problem: Problem, same: list[Problem], document: Document) -> InputError:
    kind = problem.error["type"]
    name = str(problem.path[-1]) if problem.path else ""
    if kind == "missing" and isinstance(problem.path[-1], int):
        return document.error(problem.parent, f"missing entry {problem.path[-1] + 1} of the list")
    if kind == "missing":
        return document.error(problem.parent, f"missing key '{name}'")
    if kind == "extra_forbidden":
        line = f"unknown key '{name[:60]}'{did_you_mean(name, problem.keys)}"
        return document.error(problem.parent, line, at=document.key_position(problem.path))
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _tag(problem, document)
    if kind in ("value_error", "assertion_error"):
        cause = problem.error["ctx"]["error"]
        at = document.key_position(problem.path) if getattr(cause, "at_key", False) else None
        return document.error(problem.path[:-1] if at else problem.path, str(cause), at=at)
    value = _reach(document.data, problem.path)
    wanted = list(dict.fromkeys(expected(one.error, one.nodes) for one in same))
    tail = did_you_mean(value, choices) if isinstance(value, str) and (choices := _choices(same)) else ""
    tail = tail if "did you mean" in tail else ""
    return document.error(problem.path, f"expected {' or '.join(wanted)}, got {got(value)}{tail}")


def _tag(problem: Problem, document: Document) -> InputError:
    """The key that names the class (``kind``, ``op``) is missing, or names none."""
    key = str(problem.error["ctx"]["discriminator"]).strip("'")
    tags = [str(tag) for node in problem.nodes for tag in _tags(node, key)]
    if problem.error["type"] == "union_tag_not_found":
        return document.error(problem.path, f"missing key '{key}'{did_you_mean('', tags)}")
    tag = str(problem.error["ctx"]["tag"])
    path = (*problem.path, key) if isinstance(_reach(document.data, problem.path), dict) else problem.path
    return document.error(path, f"unknown {key} '{tag[:60]}'{did_you_mean(tag, tags)}")


def _tags(node: Node, key: str) -> list[str]:
    """The tags that a model accepts under ``key``."""
    field = node.get("fields", {}).get(key)
    while field is not None and field["type"] != "literal":
        field = field.get("schema")
    return list(field["expected"]) if field else []


def _choices(problems: list[Problem]) -> list[str]:
    nodes = [node for problem in problems for node in problem.nodes]
    return [str(choice) for node in nodes if node["type"] == "literal" for choice in node["expected"]]


def _booleans(data: Any, path: Location) -> list[Location]:
    if isinstance(data, bool):
        return [path]
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    return [found for part, value in items for found in _booleans(value, (*path, part))]


def _reach(value: Any, path: Location) -> Any:
    """What is at ``path`` of plain data or of a record; None where there is nothing."""
    for part in path:
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, (list, tuple)) and isinstance(part, int):
            value = value[part] if part < len(value) else None
        else:
            value = getattr(value, str(part), None)
    return value
