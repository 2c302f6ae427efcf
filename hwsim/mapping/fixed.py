"""Mappings that people write: what of a product's mapping is fixed, read from and written to YAML.

Any part may be left out, which leaves it to the search. A file that `hwsim map -o` wrote says everything, so that
running it again gives the same cycles and traffic.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from pydantic import Field, PositiveInt, PrivateAttr

from hwsim.base.compose import Location
from hwsim.base.document import Document, read_document
from hwsim.base.errors import HwsimError, InputError, PlacedError, did_you_mean
from hwsim.base.record import Record
from hwsim.base.validate import validate
from hwsim.units.spatial import Loop

Order = Literal["mnk", "mkn", "nmk", "nkm", "kmn", "knm"]
"""Loops over the tiles, outermost first."""


class Unmappable(HwsimError):
    """What is fixed of a mapping cannot be; ``place`` is the part of `ProductMapping` that is wrong."""

    def __init__(self, message: str, place: Location = ()) -> None:
        super().__init__(message)
        self.place = place


class StageMapping(Record):
    """What is fixed of one stage of memories: ``{m: 64, n: 32, k: 27, order: nmk}``."""

    memories: tuple[str, ...] | None = None
    """Homes of the stage's operands, to be checked against the architecture."""
    m: PositiveInt | None = None
    """Steps of the tile along m: elements, or blocks of elements where loops are unrolled; of one core's share
    where cores have memories of their own."""
    n: PositiveInt | None = None
    k: PositiveInt | None = None
    order: Order | None = None
    """Loops over the stage's tiles, outermost first."""
    cores: tuple[PositiveInt, PositiveInt] | None = None
    """Cores along m and n that share a tile, where cores have memories of their own."""


class ProductMapping(Record):
    """What is fixed of a product's mapping: ``{unroll: {K: 32, C: 32}, stages: [{m: 64}, {}]}``."""

    unroll: dict[Loop, PositiveInt] | None = None
    """Loops spread over a spatial array, to their factors; loops that are not named run in time."""
    groups: PositiveInt | None = None
    """Groups of cores that each work on products of their own, where cores have memories of their own."""
    stages: list[StageMapping | None] = Field(default_factory=list)
    """One entry for each stage of memories from the outside in; further ones may be left out."""

    def data(self) -> dict[str, Any]:
        """What is fixed, as `hwsim.mapping.map_gemm` takes it."""
        return self.model_dump(exclude_none=True)


class Mappings(Record):
    """A file of mappings: product (the name of its row in a result) to what is fixed of it."""

    architecture: str = ""
    """What they were made for; not checked."""
    workload: str = ""
    mappings: dict[str, ProductMapping]

    _document: Document | None = PrivateAttr(None)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Mappings:
        """The mappings of a YAML file; raises `InputError` with file, line and column."""
        return cls.from_document(read_document(path))

    @classmethod
    def from_document(cls, document: Document) -> Mappings:
        """``document`` checked; kept for the places of later errors."""
        found = validate(cls, document)
        found._document = document
        return found

    def check_names(self, products: Iterable[str]) -> None:
        """Raises `InputError` at the first name that is none of ``products``."""
        known = list(products)
        for name in self.mappings:
            if name not in known:
                message = f"the workload has no product '{name}'{did_you_mean(name, known)}"
                raise self._error(("mappings", name), message, at_key=True)

    def fixed(self) -> Mapping[str, Mapping[str, Any]]:
        """Product to what is fixed of it."""
        return {name: mapping.data() for name, mapping in self.mappings.items()}

    def error(self, product: str, problem: HwsimError) -> InputError:
        """``problem`` with a product's mapping, at its place in the file."""
        place = problem.place if isinstance(problem, Unmappable) else ()
        return self._error(
            ("mappings", product, *place), f"{product}: {problem}" if not self._document else str(problem)
        )

    def _error(self, place: Location, message: str, at_key: bool = False) -> InputError:
        if self._document is None:
            return PlacedError(message)
        at = self._document.key_position(place) if at_key else None
        return PlacedError(str(self._document.error(place, message, at=at)))
