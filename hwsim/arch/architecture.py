"""`Architecture`: memories, compute, clock, technology and quantization rules, read from YAML."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BeforeValidator, Field, PrivateAttr, WithJsonSchema, model_validator

from hwsim import technology
from hwsim.arch.checks import check_architecture, wired
from hwsim.arch.costs import Prices, prices_of
from hwsim.arch.mapping_rules import MappingRules
from hwsim.arch.override import overridden
from hwsim.arch.quantization import Quantization
from hwsim.arch.scalesim_config import read_config
from hwsim.arch.zigzag_accelerator import converted, is_accelerator, read_yaml
from hwsim.base.document import Document
from hwsim.base.errors import InputError
from hwsim.base.evidence import Evidence
from hwsim.base.quantities import Hertz, Volts
from hwsim.base.record import Record
from hwsim.base.registry import OneOf, Registry
from hwsim.base.shipped import find
from hwsim.base.validate import validate
from hwsim.memory import Memory, memories
from hwsim.technology.base import FROM
from hwsim.technology.hwcomponents import with_hwcomponents
from hwsim.units.registry import MatmulUnit, units
from hwsim.units.vector import VectorUnit


class _MatmulUnits(Registry[type[Record]]):
    """The registered units that multiply matrices."""

    def items(self) -> dict[str, type[Record]]:
        return {name: part for name, part in units.items().items() if issubclass(part, MatmulUnit)}


def _known_node(value: Any) -> Any:
    try:
        return technology.get(value).name if isinstance(value, str) else value
    except InputError as error:
        raise ValueError(str(error)) from None


_NODES = [{"enum": technology.names()}, {"pattern": f"^{FROM}$"}]
Node = Annotated[str, BeforeValidator(_known_node), WithJsonSchema({"type": "string", "anyOf": _NODES})]
Switch = Literal["on", "off"]


AnyMemory = Annotated[Memory, OneOf(memories)]
AnyMatmulUnit = Annotated[MatmulUnit, OneOf(_MatmulUnits("unit", "hwsim.units"))]


class Process(Record):
    """The process the chip is made in, and the clock it runs at."""

    node: Node = "7nm"
    """A process node with a table, or one scaled from it (``hwsim list technologies``; ``16nm_from_7nm``)."""
    voltage: Volts | None = None
    """Supply; that of the published tables, 0.9 V, unless written. Energies follow the node's e(V)."""
    clock: Hertz
    """Clock of compute units and on-chip memories, such as ``1 GHz``."""
    source: Literal["tables", "hwcomponents"] = "tables"
    """Where SRAM prices come from: interpolated points, or CACTI through the optional package hwcomponents-cacti."""
    leakage: Switch = "on"
    """Whether leakage, by area and time, is in the energies (`hwsim.technology.chip`)."""
    clock_tree: Switch = "on"
    """Whether the clock pins of all flip-flops are in the energies."""
    wires: Switch = "on"
    """Whether wires between processing elements and from memories are in the energies."""

    @property
    def prices(self) -> technology.Technology:
        """The price list of ``node`` at ``voltage``."""
        found = technology.get(self.node, self.voltage)
        return found if self.source == "tables" else with_hwcomponents(found)


class Architecture(Record):
    """Hardware that runs workloads: one chip with its memories, from the outside in, and its compute units."""

    name: str = Field(min_length=1)
    description: str = ""
    evidence: Evidence = Evidence()
    technology: Process
    memories: dict[str, AnyMemory] = Field(min_length=1)
    """From the outside in; each feeds the next, and the last one the compute unit."""
    compute: AnyMatmulUnit
    """What multiplies matrices."""
    vector: VectorUnit = VectorUnit()
    """What does everything else: activations, norms, softmax, pooling."""
    quantization: Quantization = Quantization()
    mapping: MappingRules = MappingRules()
    costs: dict[str, float | str] = Field(default_factory=dict)
    """Numbers of the technology to replace, such as ``{compute.mac: 0.084 pJ, dram.read: 7.03 pJ/bit}``; the names
    are those of ``hwsim show component --arch``."""

    _document: Document | None = PrivateAttr(None)
    _written_compute: MatmulUnit | None = PrivateAttr(None)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Self:
        """The architecture of a YAML file, of SCALE-Sim's ``.cfg`` or ZigZag's YAML, or a shipped one by its bare name.

        Raises `InputError` with file, line and column of the first problem.
        """
        file = find(path, "archs")
        if file.suffix == ".cfg":
            return cls.from_document(read_config(file))
        document = read_yaml(file)
        return cls.from_document(converted(document) if is_accelerator(document) else document)

    @classmethod
    def from_document(cls, document: Document) -> Self:
        """``document`` checked; the architecture keeps it to be stored beside results."""
        architecture = validate(cls, document)
        architecture._document = document
        return architecture

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        self._written_compute = self.compute
        # `compute` is what really computes: its partial sums are added in the accumulator memory's format.
        self.__dict__["compute"] = wired(self.compute, self.memories)
        check_architecture(self)
        if self.costs:
            _ = self.prices
        return self

    @property
    def document(self) -> Document | None:
        """The file it was read from, if any."""
        return self._document

    @property
    def clock_hz(self) -> float:
        return self.technology.clock

    @property
    def prices(self) -> Prices:
        """What every part costs, with what ``costs`` replaces."""
        return prices_of(self)

    def data(self) -> dict[str, Any]:
        """What its file says, or would say: plain keys and values."""
        return self._document.data if self._document is not None else self._resolved()

    def _resolved(self) -> dict[str, Any]:
        """Every key, defaults included."""
        dumped = self.model_dump(mode="json", by_alias=True)
        compute = self._written_compute or self.compute
        return {**dumped, "compute": compute.model_dump(mode="json", by_alias=True)}

    def text(self) -> str:
        """Its file, or YAML that says the same."""
        if self._document is not None and self._document.text:
            return self._document.text
        return str(yaml.safe_dump(self.data(), sort_keys=False, allow_unicode=True))

    def override(self, changes: Mapping[str, Any]) -> Self:
        """The architecture that its file would describe with ``changes`` made: dotted path to value.

        >>> array = Architecture.load("systolic_int8_ws_32x32")
        >>> array.override({"compute.rows": 16, "compute.cols": "16"}).compute.peak_macs_per_cycle
        256

        The result is checked as a whole, after all changes. Raises `InputError` for a path that leads nowhere
        (with the nearest key) and for a value that does not fit.
        """
        shown = self._document.shown if self._document is not None else self.name
        data = overridden(self.data(), self._resolved(), changes, shown)
        return self.from_document(Document(shown, data))

    def __eq__(self, other: object) -> bool:
        """Same hardware, wherever it was read from; the order of the memories counts."""
        if type(self) is not type(other):
            return NotImplemented
        mine, theirs = self.__dict__, other.__dict__
        return mine == theirs and list(mine["memories"]) == list(theirs["memories"])

    __hash__ = None  # type: ignore[assignment]  # memories are a mapping
