"""The parents of every record that is read from YAML: frozen, and an unknown key is an error."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen pydantic model. Its fields drive parsing, defaults, JSON Schema and docs."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class Registered(Record):
    """A record that registers itself as one kind of a part (`hwsim.base.registry`), told by its ``kind``."""

    kind: Any

    @classmethod
    def examples(cls) -> list[Self]:
        """A few members, plain and unusual, for the contract test of its part; here the one of all defaults."""
        return [cls()]  # type: ignore[call-arg]  # a kind of required fields says its own
