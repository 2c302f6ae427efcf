"""Parts that register themselves: a new part is one file in its package, found by importing the package."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from hwsim.base.errors import InputError, did_you_mean

T = TypeVar("T")


class Registry(Generic[T]):
    """Names to parts of one kind; ``package`` is imported whole before the first look-up.

    >>> from hwsim.datapath.multiplier import multipliers  # Registry("multiplier", "hwsim.datapath.multipliers")
    >>> "exact" in multipliers.names()
    True
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self.package = package
        self._parts: dict[str, T] = {}
        self._complete = False

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator: the decorated part is found under ``name`` from now on."""

        def add(part: T) -> T:
            if self._parts.get(name, part) is not part:
                raise ValueError(f"two {self.kind}s are named '{name}'")
            self._parts[name] = part
            return part

        return add

    def names(self) -> list[str]:
        """All registered names, sorted."""
        return sorted(self.items())

    def items(self) -> dict[str, T]:
        """Name to part, by name, after every module of the package has been imported."""
        if not self._complete:
            package = importlib.import_module(self.package)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self.package}.{module.name}")
            self._complete = True
        return dict(sorted(self._parts.items()))

    def get(self, name: str) -> T:
        """The part called ``name``; raises `InputError` with the nearest name."""
        parts = self.items()
        if name not in parts:
            raise InputError(f"unknown {self.kind} '{name}'{did_you_mean(name, parts)}")
        return parts[name]


class OneOf:
    """Pydantic annotation: a record of whichever registered class its ``kind`` names.

    ``Annotated[Multiplier, OneOf(multipliers)]`` accepts ``{kind: lmul, form: addition}``, the bare
    name ``lmul``, and an instance. ``default`` is the kind of a mapping that names none.
    """

    def __init__(self, registry: Registry[Any], default: str | None = None) -> None:
        self.registry = registry
        self.default = default

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        parts = self.registry.items()
        choices = {kind: handler.generate_schema(part) for kind, part in parts.items()}
        metadata = {"hwsim_default": self.default}  # for hwsim.base.json_schema
        union = core_schema.tagged_union_schema(choices, discriminator="kind", metadata=metadata)
        mapping = core_schema.no_info_before_validator_function(self._expand, union)
        named = core_schema.literal_schema(sorted(parts))
        return core_schema.json_or_python_schema(
            # The schema that editors see: a mapping of one of the kinds, or the bare name.
            json_schema=core_schema.union_schema([union, named]),
            python_schema=mapping,
        )

    def _expand(self, value: Any) -> Any:
        if isinstance(value, str):
            return {"kind": value}
        if isinstance(value, dict) and "kind" not in value and self.default is not None:
            return {"kind": self.default, **value}
        return value
