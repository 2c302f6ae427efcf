"""How every figure looks: sizes, colours, and how it becomes bytes. No pyplot, no user settings, no timestamps."""

from __future__ import annotations

import functools
import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

P = ParamSpec("P")

INK, MUTED, RULE, PAPER = "#1f2429", "#69727c", "#dfe3e7", "#fefefe"
"""Text, secondary text, grid lines, background. On a page they become its CSS variables (see `svg`)."""

ARCHITECTURE_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#56b4e9", "#8a8a8a")
"""Okabe and Ito 2008, Color Universal Design, without black and yellow, which vanish on one of the backgrounds."""

COMPONENT_COLOURS = (
    "#77aadd", "#ee8866", "#44bb99", "#eedd88", "#ffaabb", "#99ddff", "#bbcc33", "#aaaa00", "#b7b7b7",
)  # fmt: skip
"""Paul Tol 2021, Colour Schemes (SRON/EPS/TN/09-002), 'light': fills that stay distinct without colour vision;
the last grey a little darker than his, for white paper."""

_NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))

_SETTINGS: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib: the same glyphs everywhere
    "font.size": 9.0,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.titlesize": 10.0,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9.0,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.facecolor": "none",
    "axes.unicode_minus": True,
    "figure.facecolor": PAPER,
    "grid.color": RULE,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "legend.handlelength": 1.0,
    "legend.handleheight": 1.0,
    "svg.fonttype": "path",
    "svg.hashsalt": "hwsim",
}


@contextmanager
def drawing() -> Iterator[None]:
    """Within it, matplotlib has our settings and none of the user's."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def drawn(function: Callable[P, Figure]) -> Callable[P, Figure]:
    """Decorator: the figure is made under `drawing`."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with drawing():
            return function(*args, **kwargs)

    return wrapped


def new_figure(width: float, height: float) -> Figure:
    """An empty figure (inches) with no global state behind it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure, dpi: int = 160) -> bytes:
    """The figure as PNG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    with drawing():
        figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def svg(figure: Figure, name: str) -> str:
    """The figure as an ``<svg>`` element for a page: its ids begin with ``name``, its ink is the page's ink."""
    buffer = io.StringIO()
    with drawing():
        figure.savefig(buffer, format="svg", facecolor="none", metadata=_NO_METADATA)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text)  # HTML knows both
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    for colour, variable in ((INK, "ink"), (MUTED, "muted"), (RULE, "rule"), (PAPER, "card")):
        text = text.replace(colour, f"var(--{variable})")
    return re.sub(r"\n\s*", "\n", text).strip()


def colours_of(names: Sequence[str], palette: Sequence[str]) -> dict[str, str]:
    """A colour for each name, in order; the palette's last serves all beyond its end."""
    return {name: palette[min(position, len(palette) - 1)] for position, name in enumerate(names)}


def prefixed(axis: Any, unit: str) -> None:
    """Ticks of ``axis`` as '2 µJ': the unit without prefix is ``unit``."""
    from matplotlib.ticker import EngFormatter

    axis.set_major_formatter(EngFormatter(unit=unit, sep=" " if unit else "\u2009"))


def quiet(axes: Axes, grid: str) -> None:
    """Only the spine that carries labels, and a grid across the values (``grid`` is 'x' or 'y')."""
    axes.grid(axis=grid)  # type: ignore[arg-type]  # 'x' or 'y'
    axes.spines["left" if grid == "y" else "bottom"].set_visible(False)
    axes.tick_params(length=0)
