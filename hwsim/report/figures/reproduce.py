"""Which ways of computing a GEMM agree: heat maps of the share of outputs whose bits differ."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hwsim.report.figures.style import INK, MUTED, PAPER, RULE, drawn, new_figure
from hwsim.report.table import shortened

if TYPE_CHECKING:
    import numpy as np
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from hwsim.engine.reproduce import Reproduction

_DARK = "#0072b2"
"""Okabe and Ito's blue, the full end of the scale."""
_PRINTED = 16
"""Widest map whose cells say their number."""
_NAME = 44


def reproduction_figures(found: Reproduction) -> dict[str, Figure]:
    """File stem to figure."""
    figures = {"differing_bits": pairs_figure(found)}
    if any(len(case.batches) > 1 for case in found.cases):
        figures["batch_invariance"] = batches_figure(found)
    return figures


@drawn
def pairs_figure(found: Reproduction) -> Figure:
    """Every way against every other, LayerCast and exact sums last."""
    from hwsim.report.reproduce import pair_labels

    labels = pair_labels(found)
    names = [f"{name}  {label}" for name, label in zip(_names(found), labels[: len(found.cases)], strict=True)]
    figure = new_figure(4.6 + 0.46 * len(labels), 1.3 + 0.36 * len(labels))
    axes = figure.subplots()
    _map(axes, found.matrix, [*names, "LayerCast FP32  LC", "exact sums"], labels)
    axes.set_title(f"Outputs whose bits differ, in % ({found.gemm.output.name})")
    return figure


@drawn
def batches_figure(found: Reproduction) -> Figure:
    """Each way by batch size, against the first one."""
    import numpy as np

    shares = np.array([[batch.against_first.differing for batch in case.batches] for case in found.cases])
    batches = [str(batch.batch) for batch in found.cases[0].batches]
    figure = new_figure(max(4.6 + 0.46 * len(batches), 6.4), 1.7 + 0.36 * len(found.cases))
    axes = figure.subplots()
    _map(axes, shares, _names(found), batches)
    axes.set_xlabel("batch size")
    axes.set_title(f"Bits that differ from batch {batches[0]}'s, in %")
    return figure


def _names(found: Reproduction) -> list[str]:
    return [shortened(case.name, _NAME) for case in found.cases]


def _map(axes: Axes, shares: np.ndarray, rows: Sequence[str], columns: Sequence[str]) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    colours = LinearSegmentedColormap.from_list("differing", [PAPER, _DARK])
    full = max(0.5, float(shares.max(initial=0)))
    axes.imshow(shares, cmap=colours, vmin=0, vmax=full, aspect="auto")
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(rows)), rows)
    axes.tick_params(length=0)
    for i in range(len(rows) + 1):
        axes.axhline(i - 0.5, color=RULE, linewidth=0.8)
    for j in range(len(columns) + 1):
        axes.axvline(j - 0.5, color=RULE, linewidth=0.8)
    for spine in axes.spines.values():
        spine.set_visible(False)
    if len(columns) <= _PRINTED:
        _print(axes, shares, full)


def _print(axes: Axes, shares: np.ndarray, full: float) -> None:
    for (i, j), value in _cells(shares):
        colour = PAPER if value > 0.6 * full else INK if value else MUTED
        text = f"{100 * value:.0f}" if value >= 0.0995 else f"{100 * value:.2g}"
        axes.text(j, i, text, ha="center", va="center", fontsize=8, color=colour)


def _cells(shares: np.ndarray) -> list[tuple[tuple[int, int], float]]:
    return [((i, j), float(shares[i, j])) for i in range(shares.shape[0]) for j in range(shares.shape[1])]
