"""Running a study: what is already known is read, the rest is evaluated, the whole is judged."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from hwsim.base.document import Document, read_document
from hwsim.base.errors import HwsimError
from hwsim.explore.evaluate import Evaluate, Job, check_designs, simulate_design
from hwsim.explore.journal import Journal
from hwsim.explore.result import StudyResult, judged
from hwsim.explore.study import StudyFiles, load_study
from hwsim.explore.workers import evaluated

Watch = Callable[[int, int], None]
"""Called with (finished, all) designs: once at the start, then after each."""


def run_study(
    path: str | Path,
    output: str | Path | None = None,
    *,
    workers: int | None = None,
    restart: bool = False,
    evaluate: Evaluate = simulate_design,
    check: Callable[[StudyFiles, Document], None] = check_designs,
    watch: Watch | None = None,
    write: Callable[[StudyResult, Path], object] | None = None,
) -> StudyResult:
    """Evaluate every design of the study at ``path`` and find its Pareto front.

    Each finished design is kept in ``<output>.partial/`` (``output`` is ``reports/<name>`` unless given); a study
    that was interrupted goes on from there, or begins anew with ``restart``. ``workers`` processes evaluate side by
    side, all processors by default, none but this one with 1. At the end ``write(result, output)`` stores the
    results, then the journal goes. The result does not depend on ``workers`` or on interruptions.

    Raises `InputError` for a bad study, a path that the architecture has not, or a journal of another version.
    """
    if workers is not None and workers < 1:
        raise HwsimError(f"expected at least one worker, got {workers}")
    files, document = load_study(path)
    check(files, document)
    target = Path(output) if output is not None else Path("reports") / files.study.name
    designs = files.study.designs()
    partial = target.with_name(f"{target.name}.partial")
    with Journal(partial, study_key(files), files.study.name, restart) as journal:
        jobs = [
            Job(index, files.architecture, overrides, tuple(files.workloads), files.study.seed)
            for index, overrides in enumerate(designs)
            if index not in journal.finished
        ]
        _evaluate_all(journal, jobs, evaluate, workers, len(designs), watch)
        points = judged(files.study, designs, journal.finished)
        result = StudyResult(files.study, points, _inputs(files), _versions())
        if write is not None:
            write(result, target)
        journal.discard()
    return result


def _evaluate_all(
    journal: Journal, jobs: list[Job], evaluate: Evaluate, workers: int | None, total: int, watch: Watch | None
) -> None:
    if watch is not None:
        watch(len(journal.finished), total)
    for index, found in evaluated(jobs, evaluate, workers):
        journal.append(index, found)
        if watch is not None:
            watch(len(journal.finished), total)


def study_key(files: StudyFiles) -> str:
    """SHA-256 of all that decides the results: the study, its files, the files they name, and hwsim's own code."""
    digest = hashlib.sha256(files.study.model_dump_json(by_alias=True).encode())
    for path in (files.architecture, *files.workloads):
        digest.update(path.read_bytes())
        for named in sorted(_named_files(path)):
            digest.update(named.read_bytes())
    package = Path(__file__).resolve().parent.parent
    for code in sorted(package.rglob("*.py")):
        if "report" not in code.relative_to(package).parts:  # how results look does not change them
            digest.update(code.read_bytes())
    return digest.hexdigest()


def _named_files(path: Path) -> set[Path]:
    """Files beside ``path`` that its text values name: tensors, labels, other descriptions."""
    found: set[Path] = set()

    def search(value: Any) -> None:
        if isinstance(value, Mapping):
            for inner in value.values():
                search(inner)
        elif isinstance(value, list):
            for inner in value:
                search(inner)
        elif isinstance(value, str) and 0 < len(value) < 200 and "\0" not in value:
            candidate = path.parent / value
            if candidate.is_file():
                found.add(candidate)

    search(read_document(path).data)
    return found


def _inputs(files: StudyFiles) -> dict[str, str]:
    inputs = {"study.yaml": files.source.read_text(encoding="utf-8")}
    for path in (files.architecture, *files.workloads):
        inputs[path.name] = path.read_text(encoding="utf-8")
    return inputs


def _versions() -> dict[str, str]:
    versions = {"python": platform.python_version()}
    for package in ("hwsim", "numpy", "numba"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    return versions
