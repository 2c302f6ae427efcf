"""``hwsim accumulators``: how wide accumulators must be, and what a narrower one loses and saves."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hwsim.cli.run import may_write


@click.command()
@click.argument("arch")
@click.argument("workload")
@click.option(
    "--rows", type=click.IntRange(1), metavar="N",
    help="Look at N rows of each product, drawn by the seed. Default: at all, unless a product is so large that"
    " partial sums (2^28 MACs) or the trials of accumulators (2^19 MACs each) take samples; the result says which.",
)  # fmt: skip
@click.option(
    "-o", "--output", metavar="DIR", type=click.Path(path_type=Path),
    help="Write tables, figures and report.html there; the folder appears only when complete.",
)  # fmt: skip
@click.option("--force", is_flag=True, help="Replace an earlier result in DIR.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
def accumulators(
    arch: str, workload: str, rows: int | None, output: Path | None, force: bool, as_json: bool, seed: int
) -> None:
    """Accumulator widths of WORKLOAD on ARCH: guaranteed, needed by the data, lost below, saved.

    Every product of the run gives the bound of its data types, the L1 (A2Q) and A2Q+ bounds of its weights, the bits
    that its sums needed, and the error with narrower integers (wrapping and saturating) and with floats.
    """
    from hwsim.arch import Architecture
    from hwsim.workload import Workload

    architecture, work = Architecture.load(arch), Workload.load(workload)
    may_write(output, "accumulator analysis", force)
    from hwsim.engine.accumulators import analyse_accumulators
    from hwsim.report import progress
    from hwsim.report.accumulators import accumulators_json, accumulators_view, write_accumulators

    with progress(work.name) as watch:
        steps = None if watch is None else lambda done, total, name: watch(done, total)
        analysis = analyse_accumulators(architecture, work, seed, rows=rows, progress=steps)
    if output is not None:
        write_accumulators(analysis, output)
    if as_json:
        click.echo(json.dumps(accumulators_json(analysis), indent=1, ensure_ascii=False, allow_nan=False))
        return
    from hwsim.cli.console import show
    from hwsim.report.table import WIDTH

    show(*accumulators_view(analysis), width=WIDTH)
