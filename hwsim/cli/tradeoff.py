"""``hwsim tradeoff``: error against energy per multiply-accumulate, from INT8 to FP4."""

from __future__ import annotations

import json
from pathlib import Path

import click

from hwsim.cli.run import may_write
from hwsim.cli.tensor_argument import DISTRIBUTIONS, named_distribution


@click.command()
@click.option("--node", default="7nm", show_default=True, help="Technology (hwsim list technologies).")
@click.option("--k", "length", type=click.IntRange(1), default=4096, show_default=True, help="Products in a sum.")
@click.option("--rows", type=click.IntRange(1), default=256, show_default=True, help="Rows of x, and columns of w.")
@click.option(
    "--distribution", type=click.Choice(list(DISTRIBUTIONS)), default="normal", show_default=True,
    help="What both operands are drawn from; Student's t has 5 degrees of freedom.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option(
    "-o", "--output", metavar="DIR", type=click.Path(path_type=Path), help="Write CSV, JSON and the picture there."
)
@click.option("--force", is_flag=True, help="Replace an earlier result in DIR.")
def tradeoff(
    node: str, length: int, rows: int, distribution: str, seed: int, as_json: bool, output: Path | None, force: bool
) -> None:
    """Error of a matrix product against the energy of a multiply-accumulate, by format and accumulator.

    One product x·w is quantized and computed, bit for bit, by integer trees with accumulators of several widths, by
    fused sums with F alignment bits, by narrow float accumulators, by blocks that share scales, and by the matrix
    units of Ampere, Hopper and Blackwell. The error counts the rounding of the operands; the own error does not.
    """
    may_write(output, "trade-off", force)
    from hwsim import technology
    from hwsim.engine.tradeoff import drawn_operands, measure
    from hwsim.engine.tradeoff_variants import default_variants
    from hwsim.report import progress
    from hwsim.report.tradeoff import WIDTH, Tradeoff, tradeoff_json, tradeoff_view, write_tradeoff

    priced, variants = technology.get(node), default_variants()
    x, w = drawn_operands(named_distribution(distribution), length, seed, rows, rows)
    with progress("datapaths") as watch:
        done = iter(range(1, len(variants) + 1))
        step = None if watch is None else lambda _: watch(next(done), len(variants))
        measured = measure(variants, x, w, priced, step)
    found = Tradeoff(measured, (rows, length, rows), distribution, seed, priced.name)
    if output is not None:
        write_tradeoff(found, output)
    if as_json:
        click.echo(json.dumps(tradeoff_json(found), indent=1, ensure_ascii=False, allow_nan=False))
        return
    from hwsim.cli.console import show

    show(*tradeoff_view(found), width=WIDTH)
