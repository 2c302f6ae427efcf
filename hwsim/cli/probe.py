"""``hwsim probe``: the arithmetic of a unit from its answers alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from hwsim.base.errors import InputError, did_you_mean
from hwsim.base.shipped import shipped


@click.command()
@click.argument("unit")
@click.argument("instruction", required=False)
@click.option("--a", metavar="FORMAT", help="Operands a; all instructions of a matrix unit when not given.")
@click.option("--b", metavar="FORMAT", help="Operands b; as a when not given.")
@click.option("--c", metavar="FORMAT", help="First addend; as d when not given.")
@click.option("--d", metavar="FORMAT", help="Result.")
@click.option("--shape", metavar="mMnNkK", help="Shape of the instruction.")
@click.option("--kind", help="Qualifier of the instruction (f8f6f4, mxf4nvf4, 1k, …).")
@click.option("--scale", metavar="FORMAT", help="Format of the scales that blocks of operands share.")
@click.option("--scale-block", type=click.IntRange(1), help="Elements that share a scale.")
@click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON, every dot product included.")
@click.option("-v", "--verbose", is_flag=True, help="Write out the dot products that each statement rests on.")
def probe(unit: str, instruction: str | None, seed: int, as_json: bool, verbose: bool, **asked: Any) -> None:
    """Infer the arithmetic of UNIT by black-box experiments: only dot products are asked, nothing is looked up.

    UNIT is a matrix unit (hwsim list matrix-units), an architecture, or the YAML file of either or of a datapath.

    \b
    hwsim probe hopper.wgmma --a e4m3fn --d fp32
    hwsim probe hopper.wgmma                     every arithmetic of the unit, a line each
    hwsim probe tensorcore_fp8                   the compute unit of an architecture
    """
    named = {key: value for key, value in asked.items() if value is not None}
    probed = units_of(unit, instruction, named)
    from hwsim.engine.probe import probe as run
    from hwsim.report.probe import probe_lines, probe_view

    reports = [run(each, name, seed) for name, each in probed]
    if as_json:
        plain = [report.to_json() for report in reports]
        click.echo(json.dumps(plain[0] if len(plain) == 1 else plain, indent=1, ensure_ascii=False, allow_nan=False))
        return
    from hwsim.cli.console import show

    one = len(reports) == 1
    show(*(probe_view(reports[0], verbose) if one else probe_lines(reports)), width=100)


def units_of(name: str, instruction: str | None, asked: dict[str, Any]) -> list[tuple[str | None, Any]]:
    """What ``name`` means: (name, unit) of every arithmetic to probe; raises `InputError` with the nearest name."""
    kind = _kind_of(name)
    if kind == "matrix_units":
        return _instructions(name, instruction, asked)
    if asked or instruction:
        raise InputError(f"{name}: operands, shape and kind are asked of matrix units only")
    if kind == "datapaths":
        from hwsim.datapath import Datapath

        return [(None, Datapath.load(name))]
    from hwsim.arch import Architecture

    architecture = Architecture.load(name)
    return [(f"{architecture.name} {architecture.compute.kind}", architecture.compute)]


def _kind_of(name: str) -> str:
    """``matrix_units``, ``archs`` or ``datapaths``."""
    for kind in ("matrix_units", "archs"):
        if name in shipped(kind):
            return kind
    if not Path(name).exists():
        known = [each for kind in ("matrix_units", "archs") for each in shipped(kind)]
        raise InputError(f"{name}: neither a file, a matrix unit nor an architecture{did_you_mean(name, known)}")
    from hwsim.base.document import read_document

    data = read_document(name).data
    if "instructions" in data:
        return "matrix_units"
    return "datapaths" if "operands" in data or "accumulator" in data else "archs"


def _instructions(name: str, instruction: str | None, asked: dict[str, Any]) -> list[tuple[str | None, Any]]:
    from hwsim.arch.matrix_units import instructions, mma

    if instruction is not None or asked:
        return [(None, mma(name, instruction, **asked))]
    distinct = {each.datapath: each for each in reversed(instructions(name))}
    return [(None, each) for each in reversed(distinct.values())]
