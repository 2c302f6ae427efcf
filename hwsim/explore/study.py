"""A study: one question, one architecture with some of its parameters varied, what counts as good."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from hwsim.base.document import Document, read_document
from hwsim.base.record import Record
from hwsim.base.shipped import resolve
from hwsim.base.validate import validate
from hwsim.explore.constraint import Constraint, ConstraintText
from hwsim.explore.metrics import MetricName
from hwsim.explore.space import Range, drawn, grid, size

MAX_DESIGNS = 100_000
"""A larger grid has to be sampled: at a second each, this many take more than a day."""


class Search(Record):
    """Which designs are visited."""

    method: Literal["grid", "random"] = "grid"
    """Every design, or ``n`` different ones drawn by ``seed``."""
    n: Annotated[int, Field(gt=0)] | None = None
    """How many designs ``random`` draws."""
    seed: int = 0
    """Of ``random``."""

    @model_validator(mode="after")
    def _complete(self) -> Search:
        if (self.n is None) == (self.method == "random"):
            raise ValueError("'n' is how many designs method 'random' draws: write {method: random, n: 100}")
        return self


def _different(levels: list[Any]) -> list[Any]:
    for position, level in enumerate(levels):
        if any(level == other and type(level) is type(other) for other in levels[:position]):
            raise ValueError(f"{level!r} stands twice in the list")
    return levels


Levels = Annotated[list[Any], Field(min_length=1), AfterValidator(_different)] | Range


class Study(Record):
    """A design space and what to look for in it."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
    """Also the name of its results folder: letters, digits, dot, dash, underscore."""
    question: str = ""
    """What the study is to answer, for the reader of its report."""
    architecture: str
    """The architecture to vary: a path relative to this file, or one that is shipped."""
    workloads: Annotated[list[str], Field(min_length=1)]
    """Run one after the other on each design; times and energies add up."""
    vary: Annotated[dict[str, Levels], Field(min_length=1)]
    """Dotted path in the architecture to a list of levels or a range; the last path varies fastest."""
    constraints: tuple[ConstraintText, ...] = ()
    """Limits such as ``area <= 5 mm2``; designs that break one are listed but not on the front."""
    objectives: Annotated[dict[MetricName, Literal["max", "min"]], Field(min_length=1)]
    """What is to be large or small; the Pareto front is over all of them."""
    search: Search = Search()
    """Which designs are visited."""
    seed: int = 0
    """Of every simulation."""

    @model_validator(mode="after")
    def _not_too_large(self) -> Study:
        if self.search.method == "grid" and size(self.axes) > MAX_DESIGNS:
            raise ValueError(
                f"{size(self.axes)} designs are too many; draw some with search: {{method: random, n: 1000}}"
            )
        return self

    @property
    def axes(self) -> dict[str, list[Any]]:
        """Dotted path to its levels, in the order of the file."""
        return {path: each.levels() if isinstance(each, Range) else list(each) for path, each in self.vary.items()}

    @property
    def limits(self) -> list[Constraint]:
        """The constraints, parsed."""
        return [Constraint.parse(text) for text in self.constraints]

    def designs(self) -> list[dict[str, Any]]:
        """The designs to evaluate, in order: path to level."""
        if self.search.method == "random":
            return drawn(self.axes, self.search.n or 0, self.search.seed)
        return list(grid(self.axes))


class StudyFiles(Record):
    """A study with the files that it names, found."""

    study: Study
    source: Path
    architecture: Path
    workloads: list[Path]


def load_study(path: str | os.PathLike[str]) -> tuple[StudyFiles, Document]:
    """Read a study and find its files: relative to it, then among those shipped. Raises `InputError`."""
    document = read_document(path)
    study = validate(Study, document)
    files = StudyFiles(
        study=study,
        source=Path(path),
        architecture=resolve(document, study.architecture, "archs", ("architecture",)),
        workloads=[
            resolve(document, name, "workloads", ("workloads", position))
            for position, name in enumerate(study.workloads)
        ],
    )
    return files, document
