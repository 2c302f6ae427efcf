"""The folder and the terminal's view of a study: points, front, figures, page. Equal studies give equal bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.explore.metrics import METRICS
from hwsim.report.engineering import area, count, decibel, engineering, percent
from hwsim.report.files import write_csv, write_figures, write_inputs, write_json
from hwsim.report.folder import check_replaceable, result_folder
from hwsim.report.progress import progress
from hwsim.report.table import WIDTH, as_text, plain_table, shortened

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hwsim.explore.result import Point, StudyResult

_WRITERS: dict[str, Callable[[float | None], str]] = {
    "accuracy": lambda value: percent(value, 2),
    "sqnr": decibel,
    "cycles": lambda value: count(value, 4),
    "time": lambda value: engineering(value, "s", 4),
    "energy": lambda value: engineering(value, "J", 4),
    "power": lambda value: engineering(value, "W", 4),
    "area": lambda value: area(value, 4),
    "utilization": percent,
    "edp": lambda value: engineering(value, "J s", 4),
}
"""Four digits: neighbours in a sweep differ in the third."""
_ROWS = 40


def explore_study(
    path: str | Path, output: str | Path | None = None, *, shown: bool = True, **options: Any
) -> StudyResult:
    """`hwsim.explore.run_study` with progress on the terminal and its results written to ``output``."""
    from hwsim.explore.run import run_study
    from hwsim.explore.study import load_study

    files, _ = load_study(path)
    target = Path(output) if output is not None else Path("reports") / files.study.name
    check_replaceable(target, "study")  # before the work, not after it
    with progress(files.study.name, shown) as watch:
        return run_study(path, target, watch=watch, write=write_study, **options)


def write_study(result: StudyResult, directory: Path) -> Path:
    """Write ``points.csv``, ``pareto.csv``, ``study.yaml``, ``summary.json``, ``inputs/``, figures and ``report.html``.

    Rows are in design order and nothing depends on the clock: the same study gives the same bytes.
    """
    from hwsim.report.figures.study import study_figures
    from hwsim.report.html.study import study_page

    with result_folder(Path(directory), "study") as folder:
        write_csv(folder / "points.csv", point_rows(result, result.points))
        write_csv(folder / "pareto.csv", point_rows(result, result.front))
        write_json(folder / "summary.json", summary(result))
        study, *others = result.inputs.items()
        (folder / "study.yaml").write_text(study[1], encoding="utf-8")
        write_inputs(folder / "inputs", dict(others))
        drawn = write_figures(folder, study_figures(result))
        (folder / "report.html").write_text(study_page(result, drawn), encoding="utf-8")
    return Path(directory)


def point_rows(result: StudyResult, points: Sequence[Point]) -> list[dict[str, Any]]:
    """Flat rows: design number, the varied values, every metric in SI units, how the design stands."""
    used = [name for name in METRICS if any(point.metrics.get(name) is not None for point in result.points)]
    rows = []
    for point in points:
        row: dict[str, Any] = {"design": point.index}
        row |= {path: level_text(level) for path, level in point.values.items()}
        row |= {METRICS[name].column: point.metrics.get(name) for name in used}
        rows.append({**row, "status": point.status, "front": "yes" if point.front else "no", "reason": point.reason})
    return rows


def summary(result: StudyResult) -> dict[str, Any]:
    """Everything that was found, as JSON."""
    return {
        "study": result.study.name,
        "question": result.study.question,
        "objectives": result.study.objectives,
        "constraints": list(result.study.constraints),
        "seed": result.study.seed,
        "versions": result.versions,
        "counts": counts(result),
        "points": [
            {
                "design": point.index, "values": point.values, "metrics": point.metrics, "runs": point.runs,
                "status": point.status, "reason": point.reason, "front": point.front,
            }
            for point in result.points
        ],
    }  # fmt: skip


def counts(result: StudyResult) -> dict[str, int]:
    """How many designs there are, and how they stand."""
    statuses = [point.status for point in result.points]
    return {
        "designs": len(statuses), "front": len(result.front),
        "excluded": statuses.count("excluded"), "failed": statuses.count("failed"),
    }  # fmt: skip


def standing(result: StudyResult) -> str:
    """'30 designs: 6 on the front, 4 excluded by constraints, 1 failed'."""
    number = counts(result)
    parts = [f"{number['front']} on the front"]
    parts += [f"{number['excluded']} excluded by constraints"] if number["excluded"] else []
    parts += [f"{number['failed']} failed"] if number["failed"] else []
    return f"{number['designs']} designs: {', '.join(parts)}"


def level_text(level: Any) -> str:
    """A level as it is written in a study."""
    return level if isinstance(level, str) else json.dumps(level)


def short_paths(paths: Sequence[str]) -> dict[str, str]:
    """Each dotted path by its last words, as few as tell the paths apart."""
    for words in range(1, 12):
        short = {path: ".".join(path.split(".")[-words:]) for path in paths}
        if len(set(short.values())) == len(paths):
            break
    return short


def shown_metrics(result: StudyResult) -> list[str]:
    """The objectives, then what the constraints speak of."""
    return list(dict.fromkeys([*result.study.objectives, *(limit.metric for limit in result.study.limits)]))


def written(metric: str, value: float | None) -> str:
    """A metric's value with its unit."""
    return _WRITERS[metric](value)


def study_table(result: StudyResult, width: int = WIDTH) -> str:
    """The front as plain text."""
    return as_text(study_view(result), width)


def study_view(result: StudyResult) -> RenderableType:
    """The Pareto front for a rich console, then how many designs fell by the way."""
    from rich.console import Group
    from rich.text import Text

    paths = short_paths(list(result.study.vary))
    metrics = shown_metrics(result)
    table = plain_table("")
    for path in paths.values():
        table.add_column(shortened(path, 20), justify="right", no_wrap=True)
    for name in metrics:
        goal = result.study.objectives.get(name)  # type: ignore[call-overload]  # a metric of a constraint is absent
        table.add_column(f"{name} ({goal})" if goal else name, justify="right", no_wrap=True)
    front = result.front
    for point in front[:_ROWS]:
        table.add_row(*_front_cells(point, metrics))
    if len(front) > _ROWS:
        table.add_row(f"… {len(front) - _ROWS} more")
    parts: list[RenderableType] = [Text.assemble((result.study.name, "bold"), f"  {standing(result)}")]
    parts += [Text(result.study.question)] if result.study.question else []
    parts += [table] if front else []
    failed = next((point for point in result.points if point.status == "failed"), None)
    parts += [Text(f"design {failed.index} failed: {failed.reason}")] if failed is not None else []
    return Group(*parts)


def _front_cells(point: Point, metrics: Sequence[str]) -> list[str]:
    values: Mapping[str, Any] = point.values
    return [
        *(level_text(level) for level in values.values()),
        *(written(name, point.metrics[name]) for name in metrics),
    ]
