"""The folder of a run and of a comparison: summary, CSV, inputs, figures, page."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.report.folder import result_folder
from hwsim.report.measures import MEASURES, present, versus

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from hwsim.engine.result import Result


def write_run(result: Result, directory: Path) -> Path:
    """Write ``summary.json``, ``operators.csv``, ``inputs/``, ``figures/`` and ``report.html`` into ``directory``.

    The folder appears only when complete. Raises `InputError` when ``directory`` holds something else than a run.
    """
    from hwsim.report.figures import figures_of
    from hwsim.report.html.run import run_page

    with result_folder(Path(directory), "run") as folder:
        write_json(folder / "summary.json", result.to_json())
        write_csv(folder / "operators.csv", operator_rows(result))
        write_inputs(folder / "inputs", result.inputs)
        drawn = write_figures(folder / "figures", figures_of([result]))
        (folder / "report.html").write_text(run_page(result, drawn), encoding="utf-8")
    return Path(directory)


def write_comparison(results: Sequence[Result], directory: Path) -> Path:
    """Write ``comparison.json``, ``comparison.csv``, ``inputs/``, ``figures/`` and ``report.html``; as `write_run`."""
    from hwsim.report.figures import figures_of
    from hwsim.report.html.run import comparison_page

    results = distinct(results)
    with result_folder(Path(directory), "comparison") as folder:
        write_json(folder / "comparison.json", {"runs": [result.to_json() for result in results]})
        write_csv(folder / "comparison.csv", comparison_rows(results))
        for position, result in enumerate(results, start=1):
            write_inputs(folder / "inputs" / f"{position}_{safe_name(result.architecture)}", result.inputs)
        drawn = write_figures(folder / "figures", figures_of(results))
        (folder / "report.html").write_text(comparison_page(results, drawn), encoding="utf-8")
    return Path(directory)


def distinct(results: Sequence[Result]) -> list[Result]:
    """The same results with names that differ: a name that comes again gets its number."""
    from dataclasses import replace

    seen: dict[str, int] = {}
    named = []
    for result in results:
        times = seen[result.architecture] = seen.get(result.architecture, 0) + 1
        named.append(result if times == 1 else replace(result, architecture=f"{result.architecture} ({times})"))
    return named


def operator_rows(result: Result) -> list[dict[str, Any]]:
    """One flat row per operator: ``traffic_bytes.dram.read``, ``energy_j.multiplier``…"""
    return [dict(_flattened(row)) for row in result.operators]


def _flattened(value: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flattened(inner, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", inner


def comparison_rows(results: Sequence[Result]) -> list[dict[str, Any]]:
    """One row per architecture: the totals in SI units, and each against the first."""
    shown = present(MEASURES, [result.totals for result in results])
    rows = []
    for result in results:
        row: dict[str, Any] = {"architecture": result.architecture, "workload": result.workload}
        for measure in shown:
            value, reference = measure.read(result.totals), measure.read(results[0].totals)
            row[measure.column] = value
            row[f"{measure.column}_vs_first"] = versus(measure, value, reference)
        rows.append(row)
    return rows


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows with the union of their columns, in order of first appearance; None is an empty cell."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """JSON that every reader accepts: a number that is not finite becomes null."""
    path.write_text(json.dumps(plain(value), indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")


def plain(value: Any) -> Any:
    """``value`` in JSON's own types; infinities and NaN have none and become None."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(inner) for inner in value]
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_inputs(folder: Path, inputs: Mapping[str, str]) -> None:
    """The input files' texts, their names made safe for any file system."""
    folder.mkdir(parents=True)
    for name, text in inputs.items():
        path = folder / safe_name(Path(name).name)
        if path.exists():  # two files of one name from two folders
            path = folder / safe_name(name)
        path.write_text(text, encoding="utf-8")


def safe_name(name: str) -> str:
    """``name`` with everything but letters, digits, dot, dash and underscore replaced; never hidden."""
    return re.sub(r"[^\w.-]+", "_", name).lstrip(".") or "unnamed"


def write_figures(folder: Path, figures: Mapping[str, Figure]) -> dict[str, str]:
    """Each figure as PNG in ``folder``; returns them as SVG for the page."""
    from hwsim.report.figures.style import png, svg

    folder.mkdir(exist_ok=True)
    drawn = {}
    for name, figure in figures.items():
        (folder / f"{name}.png").write_bytes(png(figure))
        drawn[name] = svg(figure, name.replace("_", "-"))
    return drawn
