"""What was expected and what came, in the words of the person who wrote the file."""

from __future__ import annotations

from typing import Any

from hwsim.base.schema_walk import Node

_PLAIN = {
    "string": "text",
    "bool": "true or false",
    "model": "keys and values",
    "model_attributes": "keys and values",
    "dict": "keys and values",
    "dataclass": "keys and values",
    "mapping": "keys and values",
    "list": "a list",
    "tuple": "a list",
    "set": "a list",
    "iterable": "a list",
    "none_required": "nothing",
    "finite_number": "a finite number",
}
_COMPARED: dict[str, tuple[str, str]] = {"greater_than": ("gt", "above"), "greater_than_equal": ("ge", "of at least")}
_COMPARED |= {"less_than": ("lt", "below"), "less_than_equal": ("le", "of at most")}
_LENGTHS = {"too_short": ("min_length", "at least"), "too_long": ("max_length", "at most")}
_LENGTHS |= {"string_too_short": ("min_length", "at least"), "string_too_long": ("max_length", "at most")}


def expected(error: dict[str, Any], nodes: list[Node]) -> str:
    """What ``error`` says should have stood there; ``nodes`` of the schema tell the bounds that apply."""
    kind: str = error["type"]
    context: dict[str, Any] = error.get("ctx", {})
    family = kind.removesuffix("_type").removesuffix("_parsing").removesuffix("_from_float").removesuffix("_size")
    family = family.removesuffix("_parsing")
    if family in _PLAIN:
        return _PLAIN[family]
    if family in ("int", "float") or kind in _COMPARED:
        return _number(kind, family, context, nodes)
    if kind in ("literal_error", "enum"):
        return _one_of(str(context["expected"]))
    if kind in _LENGTHS:
        key, words = _LENGTHS[kind]
        unit = "characters" if kind.startswith("string") else "entries"
        return f"{words} {context[key]} {unit}"
    return _special(kind, context, str(error["msg"]))


def _special(kind: str, context: dict[str, Any], message: str) -> str:
    if kind == "string_pattern_mismatch":
        return f"text of the form {context['pattern']}"
    if kind == "multiple_of":
        return f"a multiple of {context['multiple_of']}"
    message = message.removeprefix("Input should be ")
    return message[:1].lower() + message[1:]


def _one_of(choices: str) -> str:
    return f"one of {choices}" if " or " in choices else choices


def _number(kind: str, family: str, context: dict[str, Any], nodes: list[Node]) -> str:
    numbers = [node for node in nodes if node["type"] in ("int", "float")]
    if len(numbers) == 1:
        bounds = {key: numbers[0][key] for key, _ in _COMPARED.values() if key in numbers[0]}
        noun = "an integer" if numbers[0]["type"] == "int" else "a number"
    else:
        bounds = {key: context[key] for key, _ in _COMPARED.values() if key in context}
        noun = "an integer" if family == "int" else "a number"
    return f"{noun}{_bounds(bounds)}"


def _bounds(bounds: dict[str, Any]) -> str:
    if {"ge", "le"} <= bounds.keys():
        return f" between {bounds['ge']} and {bounds['le']}"
    words = [f"{words} {bounds[key]}" for key, words in _COMPARED.values() if key in bounds]
    return " " + " and ".join(words) if words else ""


def got(value: Any) -> str:
    """``value`` as it was written, cut to a length that fits a line."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "keys and values" if value else "an empty mapping"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    if isinstance(value, int) and value.bit_length() > 256:
        return f"an integer of {value.bit_length()} bits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}...'"
