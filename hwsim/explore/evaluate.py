"""One design: the architecture with some values replaced, simulated on each workload."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwsim.base.document import Document
from hwsim.base.errors import HwsimError, InputError
from hwsim.explore.study import StudyFiles

Evaluate = Callable[[Path, Mapping[str, Any], Path, int], Mapping[str, Any]]
"""``(architecture file, {dotted path: value}, workload file, seed) -> totals`` of one run; importable by its name."""


@dataclass(frozen=True)
class Job:
    """One design with all that a worker needs to evaluate it."""

    index: int
    architecture: Path
    overrides: Mapping[str, Any]
    workloads: tuple[Path, ...]
    seed: int


def simulate_design(architecture: Path, overrides: Mapping[str, Any], workload: Path, seed: int) -> Mapping[str, Any]:
    """The totals of ``architecture`` with ``overrides`` on ``workload``."""
    from hwsim.arch import Architecture
    from hwsim.engine import simulate

    design = Architecture.load(architecture).override(dict(overrides))
    totals: Mapping[str, Any] = simulate(design, _workload(workload), seed=seed).totals
    return totals


@functools.lru_cache(maxsize=8)
def _workload(path: Path) -> Any:
    from hwsim.workload import Workload

    return Workload.load(path)


def evaluate_job(evaluate: Evaluate, job: Job) -> dict[str, Any]:
    """What the journal keeps of a design: the totals of each workload, or the reason why there are none."""
    runs = {}
    try:
        for workload in job.workloads:
            runs[workload.stem] = plain(evaluate(job.architecture, job.overrides, workload, job.seed))
    except HwsimError as error:
        return {"runs": None, "reason": " ".join(str(error).split())}
    except Exception as error:  # one bad design must not lose the others; the row says that the fault is ours
        return {"runs": None, "reason": f"internal error: {type(error).__name__}: {' '.join(str(error).split())}"}
    return {"runs": runs, "reason": None}


def plain(value: Any) -> Any:
    """``value`` in the types of JSON: numpy scalars become Python numbers."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    return value.item() if hasattr(value, "item") else value


def check_designs(files: StudyFiles, document: Document) -> None:
    """Before anything runs: every level of every varied path is valid in at least one design.

    Raises `InputError` at the study's line of the path. A combination that is invalid although its levels are not
    becomes a row with its reason instead.
    """
    from hwsim.arch import Architecture

    _check_metrics(files, document)
    base = Architecture.load(files.architecture)
    valid: set[tuple[str, str]] = set()
    refused: dict[tuple[str, str], tuple[Mapping[str, Any], InputError]] = {}
    for overrides in files.study.designs():
        levels = [(path, json.dumps(level)) for path, level in overrides.items()]
        if valid.issuperset(levels):
            continue
        try:
            base.override(overrides)
            valid.update(levels)
        except InputError as error:
            for level in levels:
                refused.setdefault(level, (overrides, error))
    for level, (changes, refusal) in refused.items():
        if level not in valid:
            path, problem = _guilty(base.override, changes) or (level[0], refusal)
            raise document.error(("vary", path), str(problem))


def _check_metrics(files: StudyFiles, document: Document) -> None:
    """Accuracy is a number on every workload only where each has a metric."""
    bare = [path.stem for path in files.workloads if _workload(path).metric is None]
    places: list[tuple[str | int, ...]] = [
        ("objectives", name) for name in files.study.objectives if name == "accuracy"
    ]
    places += [("constraints", at) for at, limit in enumerate(files.study.limits) if limit.metric == "accuracy"]
    if bare and places:
        raise document.error(places[0], f"workload '{bare[0]}' has no metric, so no accuracy; leave it out")


def _guilty(
    override: Callable[[Mapping[str, Any]], object], overrides: Mapping[str, Any]
) -> tuple[str, InputError] | None:
    """The first of the changes that is refused even alone, and why; None where only together they are."""
    for path, level in overrides.items():
        try:
            override({path: level})
        except InputError as error:
            return path, error
    return None
