"""JSON Schema of a record, for editors: the same declarations that drive parsing, for a YAML language server."""

from __future__ import annotations

import inspect
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of files that hold a ``model``.

    It knows the spellings that the documentation uses; hwsim also checks what spans several keys.
    """
    schema = model.model_json_schema(schema_generator=_Generator)
    tidy: dict[str, Any] = _tidied(schema)
    return {"$schema": _DIALECT, **tidy}


class _Generator(GenerateJsonSchema):
    """Pydantic's generator, for parts that are told apart by their ``kind``."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False  # "Rows" says no more than "rows"

    def tagged_union_schema(self, schema: core_schema.TaggedUnionSchema) -> JsonSchemaValue:
        """One of the kinds; the key that names the kind may be left out for the default one only."""
        made = super().tagged_union_schema(schema)
        key = schema["discriminator"]
        default = (schema.get("metadata") or {}).get("hwsim_default")
        assumed = made.pop("discriminator", {}).get("mapping", {}).get(default)
        parts = made.get("oneOf", [])
        made["oneOf"] = [part if part.get("$ref") == assumed else {**part, "required": [key]} for part in parts]
        return made

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        """Parts with spellings of their own (``accumulator: fp32``, ``{bits: 24}``): kind optional, any name."""
        made = super().function_before_schema(schema)
        kinds = made.get("oneOf") or next((part["oneOf"] for part in made.get("anyOf", []) if "oneOf" in part), None)
        if kinds is None:
            return made
        parts = [{key: value for key, value in part.items() if key != "required"} for part in kinds]
        return {"anyOf": [*parts, {"type": "string"}]}


def _tidied(node: Any) -> Any:
    """First paragraph of each description, and bounds under JSON Schema's names."""
    if isinstance(node, list):
        return [_tidied(part) for part in node]
    if not isinstance(node, dict):
        return node
    tidy = {}
    for key, value in node.items():
        bound = key in _BOUNDS and isinstance(value, (int, float))
        tidy[_BOUNDS[key] if bound else key] = _tidied(value)
    if isinstance(tidy.get("description"), str):
        tidy["description"] = " ".join(inspect.cleandoc(tidy["description"]).split("\n\n")[0].split())
    return tidy
