"""``hwsim formats``: number formats side by side on a tensor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hwsim.base.errors import InputError, naming
from hwsim.cli.run import may_write
from hwsim.cli.tensor_argument import DISTRIBUTIONS, drawn_tensor, read_tensor

if TYPE_CHECKING:
    import numpy as np

    from hwsim.report.format_comparison import ComparedTensor

GRANULARITIES = ("tensor", "channel", "none")
"""`hwsim.formats.analysis.compare.Granularity`, which is not imported for ``--help``."""


@click.group()
def formats() -> None:
    """Number formats side by side."""


@formats.command(name="compare")
@click.argument("names", nargs=-1, required=True, metavar="FORMAT FORMAT...")
@click.option("--distribution", type=click.Choice(list(DISTRIBUTIONS)), help="Draw the tensor; default: normal.")
@click.option("--tensor", metavar="FILE[:NAME]", help="Read it from a .npy, .npz or .safetensors file instead.")
@click.option("--hadamard", metavar="BLOCK", type=click.IntRange(1), help="Rotate blocks of so many values first.")
@click.option(
    "--granularity", type=click.Choice(GRANULARITIES), default="tensor", show_default=True,
    help="Values that share the float32 scale of a format without its own: all, those of an index of the first axis,"
    " or no scale.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option(
    "-o", "--output", metavar="DIR", type=click.Path(path_type=Path),
    help="Write the table as JSON and a figure of QSNR against crest factor there.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace an earlier result in DIR.")
def compare_command(
    names: tuple[str, ...],
    distribution: str | None,
    tensor: str | None,
    hadamard: int | None,
    granularity: Any,
    seed: int,
    as_json: bool,
    output: Path | None,
    force: bool,
) -> None:
    """Compare formats on a tensor: bits per value, range, and signal to quantization noise, measured and in theory.

    A format is a name, or a YAML file that describes one or several.

    \b
    hwsim formats compare mxint8 mxfp8_e4m3 nvfp4 --distribution student_t
    hwsim formats compare int8 e4m3fn --tensor layer.npz:weight --hadamard 32

    Blocks run along the last axis, and so does the rotation. Drawn tensors have 256 × 1024 values; Student's t has
    5 degrees of freedom.
    """
    if distribution and tensor:
        raise InputError("the tensor is either drawn (--distribution) or read (--tensor), not both")
    from hwsim.formats import named_or_described

    chosen = [fmt for name in dict.fromkeys(names) for fmt in named_or_described(name)]
    may_write(output, "format comparison", force)
    values, described = _tensor(distribution or "normal", tensor, hadamard, seed)
    from hwsim.formats.analysis.compare import compare_formats
    from hwsim.report import format_comparison as report

    with naming(described.description):
        compared = compare_formats(chosen, values, granularity)
    if output is not None:
        report.write_format_comparison(described, compared, output)
    if as_json:
        found = report.format_comparison_json(described, compared)
        click.echo(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False))
        return
    from hwsim.cli.console import show

    show(*report.format_comparison_view(described, compared))


def _tensor(
    distribution: str, tensor: str | None, hadamard: int | None, seed: int
) -> tuple[np.ndarray, ComparedTensor]:
    """The values, rotated if so wished, and what is said of them."""
    from hwsim.report.format_comparison import ComparedTensor

    values = drawn_tensor(distribution, seed) if tensor is None else read_tensor(tensor)
    source = f"{distribution} values, seed {seed}" if tensor is None else tensor
    if hadamard is not None:
        from hwsim.formats.schemes.hadamard import HadamardRotation

        with naming(source):
            values = HadamardRotation(hadamard, seed).forward(values)
    rotated = f", rotated in blocks of {hadamard}" if hadamard is not None else ""
    record = {
        "distribution": distribution if tensor is None else None,
        "file": tensor,
        "shape": list(values.shape),
        "hadamard": hadamard,
        "seed": seed,
    }
    return values, ComparedTensor(f"{' × '.join(map(str, values.shape))} {source}{rotated}", record)
