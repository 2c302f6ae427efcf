"""One GEMM in several ways: the terminal's tables, the record for machines, and the folder with figures."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwsim.report.engineering import NOTHING, percent
from hwsim.report.files import plain, write_csv, write_figures, write_json
from hwsim.report.folder import result_folder
from hwsim.report.table import WIDTH, Fitted, plain_table, shortened

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from hwsim.engine.divergence import Divergence
    from hwsim.engine.reproduce import Batch, Case, Reproduction

KIND = "reproduction"
"""What a folder of `write_reproduction` holds; see `hwsim.report.folder`."""
MATRIX_SHOWN = 14
"""Widest matrix of pairs in a terminal."""
_LENGTHS = [(length,) for length in range(38, 9, -2)]


def reproduction_json(found: Reproduction) -> dict[str, Any]:
    """`Reproduction` in JSON's own types."""
    made: dict[str, Any] = plain(found.to_json())
    return made


def reproduction_view(found: Reproduction) -> list[RenderableType]:
    """What was run, against the references, by batch size, pair by pair, and what it means; at most `WIDTH` columns."""
    from rich.text import Text

    views: list[RenderableType] = [Text.assemble(("One GEMM", "bold"), f"  {described(found)}")]
    views.append(Fitted(partial(_ways, found.cases), _LENGTHS))
    views.append(_against(found))
    if any(changed(batch) for case in found.cases for batch in case.batches):
        views.append(_batches(found.cases))
    if len(found.names) <= MATRIX_SHOWN:
        views.append(_pairs(found))
    return [*views, "", *(textwrap.fill(note, WIDTH, subsequent_indent="  ") for note in notes(found))]


def changed(batch: Batch) -> bool:
    """Whether any bit differs from the first batch size's."""
    return batch.against_first.differing > 0


def described(found: Reproduction) -> str:
    """The GEMM in words."""
    gemm, (m, n, k) = found.gemm, found.gemm.shape
    looked = f"{len(gemm.rows)} rows × {len(gemm.columns)} columns looked at"
    return f"{m} × {n} × {k} (M × N × K) into {gemm.output.name}; {gemm.source}; {looked}"


def notes(found: Reproduction) -> list[str]:
    """Batch invariance, and what the columns mean."""
    lines = []
    if len(found.cases[0].batches) > 1:
        sizes = ", ".join(str(batch.batch) for batch in found.cases[0].batches)
        same = [str(case.number) for case in found.cases if not any(changed(batch) for batch in case.batches)]
        lines.append(f"The same bits in batches of {sizes}: {', '.join(same) or 'none'}.")
    return [
        *lines,
        "≠: share of outputs whose bits differ. ulp, L2: largest and relative error against exact sums."
        " token: share of rows whose largest output is in another column (the first of equals)."
        " LC: LayerCast's fp32. It and exact sums keep their precision for L2 and tokens; for bits they are rounded"
        " to the output's format.",
    ]


# Tables ---------------------------------------------------------------------------------------------


def _ulp(value: float | None) -> str:
    if value is None or value < 9999.5:
        return NOTHING if value is None else f"{value:.4g}"
    digits, exponent = f"{value:.1e}".split("e")
    return f"{digits}e{int(exponent)}"


def _error(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2e}"


def _ways(cases: Sequence[Case], length: int) -> Table:
    table = _table("Ways of computing it", ("", "Unit", "Evidence", "Order", "Evidence", "Tile", "S"))
    for case in cases:
        names = [shortened(name, length) for name in (f"{case.unit} {'·'.join(_formats(case))}", case.order)]
        grades = [case.evidence[part]["grade"].removesuffix("-checked") for part in ("unit", "order")]
        tile = "×".join(map(str, case.tile))
        table.add_row(str(case.number), names[0], grades[0], names[1], grades[1], tile, _cut(case))
    return table


def _cut(case: Case) -> str:
    return str(case.split_k) if case.workers is None else f"{case.workers} workers"


def _formats(case: Case) -> list[str]:
    return list(dict.fromkeys(case.operands))


def _against(found: Reproduction) -> Table:
    table = _table("Against the references", ("",))
    heads = (
        "≠ first",
        "≠ LC",
        "≠ exact",
        "ulp",
        "L2",
        "token\n≠ first",
        "token\n≠ exact",
        "first ≠ at",
        "bits\n≠ first's",
    )
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for case in found.cases:
        first, layercast, exact = (case.against[key] for key in ("first", "layercast", "exact"))
        table.add_row(
            str(case.number), *(percent(each.differing, 2) for each in (first, layercast, exact)),
            _ulp(exact.max_ulp), _error(exact.relative_l2),
            percent(first.tokens_differing, 1), percent(exact.tokens_differing, 1), *_first(first, found),
        )  # fmt: skip
    return table


def _first(each: Divergence, found: Reproduction) -> tuple[str, str]:
    if each.first is None:
        return NOTHING, NOTHING
    digits = -(-found.gemm.output.bits // 4)
    bits = f"{each.first.bits:0{digits}x} {each.first.reference_bits:0{digits}x}"
    return f"[{each.first.row}, {each.first.column}]", bits


def _batches(cases: Sequence[Case]) -> Table:
    first = cases[0].batches[0].batch
    table = _table(f"In other batches than of {first}, where bits differ", ("",))
    for head in ("Batch", "Tile", "S", "row 0 ≠", "all ≠", "ulp", "token ≠"):
        table.add_column(head, justify="right", no_wrap=True)
    for case in cases:
        for batch in filter(changed, case.batches):
            change = batch.against_first
            table.add_row(
                str(case.number), str(batch.batch), "×".join(map(str, batch.tile)), str(batch.split_k),
                NOTHING if batch.row_0_differing is None else percent(batch.row_0_differing, 2),
                percent(change.differing, 2), _ulp(change.max_ulp), percent(change.tokens_differing, 1),
            )  # fmt: skip
    return table


def _pairs(found: Reproduction) -> Table:
    labels = pair_labels(found)
    table = _table("Outputs whose bits differ, in %", ("",))
    for label in labels:
        table.add_column(label, justify="right", no_wrap=True)
    for label, row in zip(labels, found.matrix, strict=True):
        table.add_row(label, *(f"{100 * value:.3g}" if value else NOTHING for value in row))
    return table


def pair_labels(found: Reproduction) -> list[str]:
    """Short names: the case's number, LC and exact."""
    return [*(str(case.number) for case in found.cases), "LC", "exact"]


def _table(title: str, words: Sequence[str]) -> Table:
    table = plain_table(title)
    table.padding = (0, 1, 0, 0)
    for head in words:
        table.add_column(head, no_wrap=True)
    return table


# The folder -----------------------------------------------------------------------------------------


def write_reproduction(found: Reproduction, directory: Path) -> Path:
    """Write ``reproduce.json``, ``cases.csv``, ``batches.csv`` and ``figures/``; the folder appears when complete."""
    from hwsim.report.figures.reproduce import reproduction_figures

    with result_folder(Path(directory), KIND) as folder:
        write_json(folder / "reproduce.json", reproduction_json(found))
        write_csv(folder / "cases.csv", [_case_row(case) for case in found.cases])
        write_csv(folder / "batches.csv", [row for case in found.cases for row in _batch_rows(case)])
        write_figures(folder / "figures", reproduction_figures(found))
    return Path(directory)


def _case_row(case: Case) -> dict[str, Any]:
    row: dict[str, Any] = {"number": case.number, "unit": case.unit, "order": case.order, "split_k": case.split_k}
    for key, each in case.against.items():
        row |= {f"{name}_{key}": value for name, value in _measures(each).items()}
    return row


def _batch_rows(case: Case) -> list[dict[str, Any]]:
    return [
        {
            "number": case.number, "unit": case.unit, "order": case.order, "batch": each.batch,
            "tile": "x".join(map(str, each.tile)), "split_k": each.split_k, "row_0_differing": each.row_0_differing,
            **_measures(each.against_first),
        }
        for each in case.batches
    ]  # fmt: skip


def _measures(each: Divergence) -> dict[str, float | None]:
    return {
        "differing": each.differing, "max_ulp": each.max_ulp, "relative_l2": each.relative_l2,
        "tokens_differing": each.tokens_differing,
    }  # fmt: skip
