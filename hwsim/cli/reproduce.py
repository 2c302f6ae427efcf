"""``hwsim reproduce``: same product, other GPU, order or batch size: which bits differ?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hwsim.base.errors import InputError
from hwsim.cli.run import may_write
from hwsim.cli.tensor_argument import DISTRIBUTIONS, read_tensor

if TYPE_CHECKING:
    import numpy as np

    from hwsim.engine.reproduce import Gemm

UNITS = ("ampere.mma", "hopper.wgmma")
ORDERS = ("single_chain", "fill_sms_h100")


def _sizes(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    """Batch sizes, comma-separated."""
    if value is None:
        return None
    try:
        sizes = tuple(int(word) for word in value.split(","))
    except ValueError:
        raise click.BadParameter(f"expected sizes such as 1,8,64, got '{value}'") from None
    if min(sizes) < 1 or len(set(sizes)) != len(sizes):
        raise click.BadParameter("expected different sizes of at least 1")
    return sizes


@click.command()
@click.option("-m", type=click.IntRange(1), help="Rows of A: the requests of a batch.  [default: 64]")
@click.option("-n", type=click.IntRange(1), help="Columns of B: the outputs, or the vocabulary.  [default: 256]")
@click.option("-k", type=click.IntRange(1), help="The inner dimension.  [default: 4096]")
@click.option(
    "--unit", "units", multiple=True, metavar="NAME[:FORMAT]",
    help="A matrix unit, such as hopper.wgmma, with operands of its own if so wished (cdna3.mfma:e4m3fnuz); may be"
    " repeated. simt.fma is LayerCast's arithmetic.  [default: ampere.mma and hopper.wgmma]",
)  # fmt: skip
@click.option(
    "--order", "orders", multiple=True, metavar="NAME[,KEY=VALUE…]",
    help="An order (hwsim list orders) or its file, with changes behind it; may be repeated."
    "  [default: single_chain and fill_sms_h100]",
)  # fmt: skip
@click.option("--batch", "batches", callback=_sizes, metavar="B,B,…", help="Batch sizes to serve the rows in.")
@click.option("--operands", default="bf16", show_default=True, help="Format of A and B.")
@click.option("--output-format", default="bf16", show_default=True, help="Format of the outputs.")
@click.option("--distribution", type=click.Choice(list(DISTRIBUTIONS)), help="Draw A and B; default: normal.")
@click.option("--a", "file_a", metavar="FILE[:NAME]", help="Read A [M, K] from .npy, .npz or .safetensors instead.")
@click.option("--b", "file_b", metavar="FILE[:NAME]", help="Read B [K, N].")
@click.option("--rows", type=click.IntRange(1), metavar="R", help="Compute R rows, row 0 and others drawn by the seed.")
@click.option("--columns", type=click.IntRange(1), metavar="C", help="Compute C columns, drawn by the seed.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option(
    "-o", "--output", metavar="DIR", type=click.Path(path_type=Path),
    help="Write tables and figures there; the folder appears only when complete.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace an earlier result in DIR.")
def reproduce(units: tuple[str, ...], orders: tuple[str, ...], **options: Any) -> None:
    """Run one GEMM by several matrix units, orders and batch sizes, and say which bits differ.

    \b
    hwsim reproduce --unit ampere.mma --unit hopper.wgmma --order fill_sms_a100 --batch 1,8,64
    hwsim reproduce --operands e4m3fn --unit ada.mma --order cublaslt_rtx4060_slow,split_k=4

    References: LayerCast's FP32 (arXiv:2506.09501) and exact sums. The token of a row is its largest output.
    """
    from hwsim.base.errors import naming
    from hwsim.formats import get

    output: Path | None = options["output"]
    may_write(output, "reproduction", options["force"])
    with naming("--output-format"):
        target = get(options["output_format"])
    gemm = _gemm(options, target)
    batches = options["batches"] or tuple(dict.fromkeys((1, gemm.shape[0])))
    from hwsim.engine.reproduce import reproduce as run
    from hwsim.report import progress
    from hwsim.report.reproduce import reproduction_json, reproduction_view, write_reproduction

    with progress("reproduce") as watch:
        found = run(gemm, units or UNITS, orders or ORDERS, batches, options["operands"], watch)
    if output is not None:
        write_reproduction(found, output)
    if options["as_json"]:
        click.echo(json.dumps(reproduction_json(found), indent=1, ensure_ascii=False, allow_nan=False))
        return
    from hwsim.cli.console import show
    from hwsim.report.table import WIDTH

    show(*reproduction_view(found), width=WIDTH)


def _gemm(options: dict[str, Any], target: Any) -> Gemm:
    """The values of A and B, and what of the product is computed."""
    from hwsim.engine.reproduce import Gemm
    from hwsim.formats.float import FloatFormat

    if not isinstance(target, FloatFormat):
        raise InputError(f"--output-format: expected a floating-point format, got '{target.name}'")
    a, b, source = _operands(options)
    rows = _sample(options["seed"], "rows", a.shape[0], options["rows"])
    columns = _sample(options["seed"], "columns", b.shape[1], options["columns"])
    return Gemm(a, b, rows, columns, target, source, options["seed"])


def _operands(options: dict[str, Any]) -> tuple[np.ndarray, np.ndarray, str]:
    files, seed = (options["file_a"], options["file_b"]), options["seed"]
    if files == (None, None):
        m, n, k = (options[key] or size for key, size in (("m", 64), ("n", 256), ("k", 4096)))
        name = options["distribution"] or "normal"
        return _drawn(name, seed, "a", m, k), _drawn(name, seed, "b", n, k).T, f"{name} values, seed {seed}"
    if None in files:
        raise InputError("--a and --b come together")
    if options["distribution"] or any(options[key] for key in "mnk"):
        raise InputError("A and B are either drawn (-m, -n, -k, --distribution) or read (--a, --b), not both")
    a, b = (read_tensor(file) for file in files)
    if a.ndim != 2 or b.ndim != 2 or a.shape[1] != b.shape[0]:
        raise InputError(f"expected A [M, K] and B [K, N], got {list(a.shape)} and {list(b.shape)}")
    return a, b, f"A from {files[0]}, B from {files[1]}"


def _drawn(distribution: str, seed: int, operand: str, rows: int, length: int) -> np.ndarray:
    from pydantic import TypeAdapter

    from hwsim.workload.distributions import Distribution, Streams, draw_rows

    made = TypeAdapter[Any](Distribution).validate_python({"distribution": distribution, **DISTRIBUTIONS[distribution]})
    return draw_rows(made, Streams(seed, "reproduce", operand), range(rows), length)


def _sample(seed: int, what: str, length: int, count: int | None) -> np.ndarray:
    """Indices, ascending; 0 is always among them."""
    import numpy as np

    from hwsim.workload.distributions import Streams

    if count is None or count >= length:
        return np.arange(length)
    others = 1 + Streams(seed, "reproduce", what).choose(length - 1, count - 1)
    return np.concatenate([[0], others])
