"""Which parts of a pydantic schema a location in the data can mean: valid keys, bounds, choices.

An error of pydantic names a location with the tags of discriminated unions and the labels of plain unions mixed in;
walking the schema along it tells those from keys of the data, and finds what could have stood there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

Node = dict[str, Any]

_WRAPPERS = {
    "default": "schema",
    "nullable": "schema",
    "function-before": "schema",
    "function-after": "schema",
    "function-wrap": "schema",
    "json-or-python": "python_schema",
    "lax-or-strict": "lax_schema",
    "definitions": "schema",
    "model": "schema",
}


class SchemaWalk:
    """The core schema of ``model``, walked from the top."""

    def __init__(self, model: type[BaseModel]) -> None:
        self.top: Node = model.__pydantic_core_schema__  # type: ignore[assignment]
        self.definitions: dict[str, Node] = {}
        if self.top["type"] == "definitions":
            self.definitions = {str(part["ref"]): part for part in self.top["definitions"]}

    def leaves(self, nodes: list[Node], tag: str | int | None = None) -> Iterator[tuple[Node, bool]]:
        """What ``nodes`` are below their wrappers and unions; True beside a choice that ``tag`` selected."""
        pending: list[tuple[Node, bool, Node]] = [(node, False, {}) for node in reversed(nodes)]
        while pending:
            node, tagged, bounds = pending.pop()
            bounds = {**bounds, **node.get("metadata", {}).get("pydantic_js_updates", {})}
            kind = node["type"]
            if kind in _WRAPPERS:
                pending.append((node[_WRAPPERS[kind]], tagged, bounds))
            elif kind == "definition-ref":
                pending.append((self.definitions[node["schema_ref"]], tagged, bounds))
            elif kind == "union":
                choices = [choice[0] if isinstance(choice, tuple) else choice for choice in node["choices"]]
                pending.extend((choice, tagged, bounds) for choice in reversed(choices))
            elif kind == "tagged-union" and tag in node["choices"]:
                yield node["choices"][tag], True
            elif kind == "tagged-union":
                pending.extend((choice, tagged, bounds) for choice in reversed(list(node["choices"].values())))
            else:
                yield {**node, **bounds} if bounds else node, tagged

    def step(self, nodes: list[Node], part: str | int) -> tuple[list[Node], bool]:
        """The nodes one ``part`` of a location further, and whether the part was a tag and no key of the data."""
        reached: list[Node] = []
        for node, tagged in self.leaves(nodes, tag=part):
            if tagged:
                return [node], True
            reached.extend(_children(node, part))
        return reached, False

    def at(self, location: tuple[str | int, ...]) -> list[Node]:
        """The nodes that ``location``, tags and labels included, can mean."""
        nodes = [self.top]
        for part in location:
            further, _ = self.step(nodes, part)
            nodes = further or nodes  # a label of a plain union leads nowhere
        return [leaf for leaf, _ in self.leaves(nodes)]

    def keys_at(self, location: tuple[str | int, ...]) -> list[str]:
        """The keys that a mapping at ``location`` may have."""
        names = {
            _written(name, field)
            for node in self.at(location)
            if node["type"] == "model-fields"
            for name, field in node["fields"].items()
        }
        return sorted(names)


def _written(name: str, field: Node) -> str:
    alias = field.get("validation_alias")
    return alias if isinstance(alias, str) else name


def _children(node: Node, part: str | int) -> list[Node]:
    kind = node["type"]
    if kind == "model-fields":
        return [field["schema"] for name, field in node["fields"].items() if part in (name, _written(name, field))]
    if kind == "dict" and isinstance(part, str) and "values_schema" in node:
        return [node["values_schema"]]
    if kind in ("list", "set", "frozenset") and isinstance(part, int) and "items_schema" in node:
        return [node["items_schema"]]
    if kind == "tuple" and isinstance(part, int):
        items = node["items_schema"]
        index = node.get("variadic_item_index")
        return [items[part]] if index is None and part < len(items) else items[:1]
    return []
