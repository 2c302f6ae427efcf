"""`reproduce`: one GEMM by several matrix units, in several orders, in batches of several sizes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hwsim.arch.gemm_orders import gemm_order
from hwsim.arch.matrix_units import mma
from hwsim.base.errors import InputError, naming
from hwsim.engine.divergence import Divergence, Output, divergence, share
from hwsim.engine.exact_product import exact_product
from hwsim.engine.simulate import versions
from hwsim.formats import get
from hwsim.formats.base import Format
from hwsim.units.gemm_epilogue import Epilogue, encode
from hwsim.units.gemm_order import GemmOrder
from hwsim.units.matrix_unit import MatrixUnit

LAYERCAST, EXACT = "LayerCast FP32", "exact"
"""The references. LayerCast (arXiv:2506.09501) keeps weights in bf16 and computes in fp32: here one chain of fp32
fused multiply-adds in ascending k. Exact sums are rounded once."""
STEPS = 100
"""Steps of the progress of one GEMM."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Gemm:
    """The product: values of A [M, K] and B [K, N], and the rows and columns that are looked at."""

    a: np.ndarray
    b: np.ndarray
    rows: np.ndarray
    columns: np.ndarray
    output: Format
    source: str
    """Where the values are from, in words."""
    seed: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(M, N, K)."""
        return self.a.shape[0], self.b.shape[1], self.a.shape[1]


@dataclass(frozen=True)
class Batch:
    """The same rows served in batches of this many, against the first batch size."""

    batch: int
    tile: tuple[int, int, int]
    split_k: int
    row_0_differing: float | None
    """Share of row 0's outputs whose bits differ; None where row 0 was not looked at."""
    against_first: Divergence


@dataclass(frozen=True)
class Case:
    """A unit with an order: against the references at the full batch, and by batch size."""

    number: int
    unit: str
    instruction: str
    operands: tuple[str, str]
    order: str
    tile: tuple[int, int, int]
    split_k: int
    workers: int | None
    """Of stream-K."""
    evidence: dict[str, dict[str, str]]
    """Of the unit and of the order: grade and source."""
    against: dict[str, Divergence]
    """By ``first``, ``layercast`` and ``exact``."""
    batches: tuple[Batch, ...]

    @property
    def name(self) -> str:
        """Unit and order."""
        return f"{self.unit} {self.order}"


@dataclass(frozen=True)
class Reproduction:
    """What `reproduce` finds."""

    gemm: Gemm
    cases: tuple[Case, ...]
    names: tuple[str, ...]
    """Of the rows and columns of ``matrix``: cases, at batch M, then LayerCast and exact."""
    matrix: np.ndarray
    """Share of outputs whose bits differ, of every pair."""
    versions: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """All of it in plain data."""
        gemm, (m, n, k) = self.gemm, self.gemm.shape
        return {
            "gemm": {
                "m": m, "n": n, "k": k, "output": gemm.output.name, "source": gemm.source, "seed": gemm.seed,
                "rows": gemm.rows.tolist(), "columns": gemm.columns.tolist(),
            },
            "cases": [asdict(case) for case in self.cases],
            "differing": {"names": list(self.names), "share": self.matrix.tolist()},
            "versions": self.versions,
        }  # fmt: skip


# What is run ----------------------------------------------------------------------------------------


def named_unit(text: str, operands: str) -> MatrixUnit:
    """``NAME`` or ``NAME:FORMAT`` or ``NAME:FORMAT_A:FORMAT_B``: a unit's instruction on these operands into fp32."""
    name, *formats = text.split(":")
    if len(formats) > 2:
        raise InputError(f"{text}: expected UNIT, UNIT:FORMAT or UNIT:FORMAT_A:FORMAT_B")
    a = formats[0] if formats else operands
    with naming(text):
        return mma(name, a=a, b=formats[1] if len(formats) == 2 else a, d="fp32")


def reproduce(
    gemm: Gemm,
    units: Sequence[str],
    orders: Sequence[str],
    batches: Sequence[int],
    operands: str,
    progress: Progress | None = None,
) -> Reproduction:
    """Every unit with every order, and each in every batch size; raises `InputError` for what does not fit.

    Orders end in the GEMM's output format without scales or bias. Instructions give fp32.
    """
    pairs = [(_fitting(named_unit(unit, operands), order, gemm), unit, order) for unit in units for order in orders]
    watch = _Watch(progress, len(pairs) * (1 + len(batches)) + 2)
    runs = [_Runs(gemm, unit, order, watch) for (unit, order), _, _ in pairs]
    full = [
        Output(f"{unit} {order}", *run.at(gemm.shape[0])) for run, (_, unit, order) in zip(runs, pairs, strict=True)
    ]  # fmt: skip
    references = _references(gemm, runs[0].unit, watch)
    cases = [
        _case(number, run, output, [full[0], *references], batches)
        for number, (run, output) in enumerate(zip(runs, full, strict=True), 1)
    ]
    compared = [*full, *references]
    matrix = np.array([[share(x.codes != y.codes) for y in compared] for x in compared])
    return Reproduction(gemm, tuple(cases), tuple(each.name for each in compared), matrix, versions())


def _fitting(unit: MatrixUnit, text: str, gemm: Gemm) -> tuple[MatrixUnit, GemmOrder]:
    order = gemm_order(text)
    return unit, order.model_copy(update={"epilogue": Epilogue(output=gemm.output)})


@dataclass
class _Watch:
    """One bar over all GEMMs."""

    progress: Progress | None
    gemms: int
    finished: int = 0

    def __call__(self, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(self.finished * STEPS + STEPS * done // max(total, 1), self.gemms * STEPS)

    def next(self) -> None:
        """One GEMM is done."""
        self.finished += 1
        self(0, 1)


class _Runs:
    """One unit and order on the GEMM; batch sizes that come to the same order share their bits."""

    def __init__(self, gemm: Gemm, unit: MatrixUnit, order: GemmOrder, watch: _Watch) -> None:
        self.gemm, self.unit, self.order, self.watch = gemm, unit, order, watch
        f = unit.datapath.operands
        self.a = f.a.encode(gemm.a, overflow="saturate")
        self.b = f.b.encode(gemm.b, overflow="saturate")
        self._found: dict[Any, np.ndarray] = {}

    def at(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        """Codes and values of the chosen outputs, every row served in a batch of this many."""
        m, n, k = self.gemm.shape
        order = self.order.at(batch, n, k)
        key = batch if order.stream_k is not None else (order.tile.k, order.split_k)
        if key not in self._found:
            with naming(f"{self.unit.name} {self.order.name}"):
                whole = order.stream_k is None or batch == m
                self._found[key] = self._whole(order) if whole else self._in_batches(order, batch)
        self.watch.next()
        codes = self._found[key]
        return codes, self.gemm.output.decode(codes)

    def _whole(self, order: GemmOrder) -> np.ndarray:
        rows, columns = self.gemm.rows, self.gemm.columns
        return order.matmul(self.unit, self.a, self.b, rows=rows, columns=columns, progress=self.watch)

    def _in_batches(self, order: GemmOrder, batch: int) -> np.ndarray:
        """Where an output's place matters: rows 0 … batch − 1 together, then the next; zeros fill the last batch."""
        rows, columns = self.gemm.rows, self.gemm.columns
        made = []
        for first in np.unique(rows // batch) * batch:
            part = self.a[first : first + batch]
            part = np.pad(part, ((0, batch - len(part)), (0, 0)))
            inside = rows[(rows >= first) & (rows < first + batch)] - first
            made.append(order.matmul(self.unit, part, self.b, rows=inside, columns=columns))
        return np.concatenate(made)


# References -----------------------------------------------------------------------------------------


def _references(gemm: Gemm, unit: MatrixUnit, watch: _Watch) -> list[Output]:
    """LayerCast and exact, of the operands that ``unit`` takes."""
    f = unit.datapath.operands
    a = f.a.encode(gemm.a, overflow="saturate")[gemm.rows]
    b = f.b.encode(gemm.b, overflow="saturate")[:, gemm.columns]
    plain = GemmOrder(epilogue=Epilogue(output=get("fp32")))
    sums = plain.matmul(mma("simt.fma", a=f.a, b=f.b, d="fp32"), a, b, progress=watch)
    watch.next()
    values = get("fp32").decode(sums)
    layercast = Output(LAYERCAST, _rounded(gemm.output, values), values)
    exact = Output(EXACT, *exact_product(f.a, f.b, gemm.output, a, b))
    watch.next()
    return [layercast, exact]


def _rounded(output: Format, values: np.ndarray) -> np.ndarray:
    return encode(output, values, overflow=Epilogue(output=output).saturation)


def _case(number: int, run: _Runs, output: Output, references: Sequence[Output], batches: Sequence[int]) -> Case:
    gemm, unit = run.gemm, run.unit
    against = {
        key: divergence(output, reference, gemm.output, gemm.rows, gemm.columns)
        for key, reference in zip(("first", "layercast", "exact"), references, strict=True)
    }
    order = run.order.at(*gemm.shape)
    formats = unit.datapath.operands
    return Case(
        number, unit.name, unit.instruction, (formats.a.name, formats.b.name), run.order.name,
        (order.tile.m, order.tile.n, order.tile.k), order.split_k,
        order.stream_k.workers if order.stream_k is not None else None,
        {"unit": unit.evidence.model_dump(), "order": run.order.evidence.model_dump()},
        against, _batches(run, batches),
    )  # fmt: skip


def _batches(run: _Runs, batches: Sequence[int]) -> tuple[Batch, ...]:
    gemm, (_, n, k) = run.gemm, run.gemm.shape
    outputs = [Output(str(batch), *run.at(batch)) for batch in batches]
    made = []
    for batch, output in zip(batches, outputs, strict=True):
        order = run.order.at(batch, n, k)
        differs = output.codes[gemm.rows == 0] != outputs[0].codes[gemm.rows == 0]
        made.append(
            Batch(
                batch, (order.tile.m, order.tile.n, order.tile.k), order.split_k,
                share(differs) if (gemm.rows == 0).any() else None,
                divergence(output, outputs[0], gemm.output, gemm.rows, gemm.columns),
            )
        )  # fmt: skip
    return tuple(made)
