"""The page of a study: its question, the front, the figures, every design."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from hwsim.explore.metrics import METRICS
from hwsim.report.figures.study import STUDY_CAPTIONS
from hwsim.report.html.page import folded, page, section, table, tiles, verbatim
from hwsim.report.html.sections import pictures
from hwsim.report.study import counts, level_text, short_paths, shown_metrics, standing, written

if TYPE_CHECKING:
    from hwsim.explore.result import Point, StudyResult


def study_page(result: StudyResult, drawn: Mapping[str, str]) -> str:
    """The report of a study; ``drawn`` holds its figures as SVG by name."""
    study = result.study
    goals = ", ".join(f"{name} {'high' if way == 'max' else 'low'}" for name, way in study.objectives.items())
    note = f"Wanted: {goals}." + (f" Required: {', '.join(study.constraints)}." if study.constraints else "")
    best = [(f"best {name}", _best(result, name, way), "") for name, way in study.objectives.items()]
    every = [name for name in METRICS if any(point.metrics.get(name) is not None for point in result.points)]
    return page(
        study.question or study.name,
        f"{study.name} · {standing(result)} · seed {study.seed}",
        [
            section("Among the designs that meet the constraints", tiles(best) if result.front else ""),
            section("Pareto front", _points(result, result.front, shown_metrics(result)), note=note),
            section("Figures", pictures(drawn, STUDY_CAPTIONS)),
            section("All designs", _points(result, result.points, every, standings=True), note=_legend(result)),
            _inputs(result),
        ],
    )


def _best(result: StudyResult, metric: str, way: str) -> str:
    values = [value for point in result.front if (value := point.metrics[metric]) is not None]
    return written(metric, (max if way == "max" else min)(values, default=None))


def _legend(result: StudyResult) -> str:
    return "Marked rows are on the front." if counts(result)["front"] else "No design meets all constraints."


def _points(result: StudyResult, points: Sequence[Point], metrics: Sequence[str], standings: bool = False) -> str:
    if not points:
        return ""
    paths = short_paths(list(result.study.vary))
    heads = ["Design", *paths.values(), *metrics, *(["Standing"] if standings else [])]
    rows = [
        [
            str(point.index), *(level_text(level) for level in point.values.values()),
            *(written(name, point.metrics.get(name)) for name in metrics),
            *([_standing(point)] if standings else []),
        ]
        for point in points
    ]  # fmt: skip
    marked = [row for row, point in enumerate(points) if point.front] if standings else []
    return table(heads, rows, words=1 + len(paths), marked=marked)


def _standing(point: Point) -> str:
    if point.status == "ok":
        return "on the front" if point.front else "dominated"
    return point.reason


def _inputs(result: StudyResult) -> str:
    parts = [folded(name, verbatim(text)) for name, text in result.inputs.items()]
    versions = "\n".join(
        [*(f"{name} {version}" for name, version in result.versions.items()), f"seed {result.study.seed}"]
    )
    return section(
        "Inputs", *parts, folded("Versions and seed", verbatim(versions)), note="What is needed to repeat this."
    )
