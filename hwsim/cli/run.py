"""``hwsim run``, ``compare`` and ``explore``: the commands that simulate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hwsim.base.errors import InputError
from hwsim.base.shipped import find
from hwsim.cli.map import read_mappings

if TYPE_CHECKING:
    from hwsim.arch import Architecture
    from hwsim.workload import Workload

_output = click.option(
    "-o", "--output", metavar="DIR", type=click.Path(path_type=Path),
    help="Write tables, figures and report.html there; the folder appears only when complete.",
)  # fmt: skip
_force = click.option("--force", is_flag=True, help="Replace an earlier result in DIR.")
_as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
_seed = click.option("--seed", type=click.IntRange(0, 2**63 - 1), default=0, show_default=True)


@click.command()
@click.argument("arch")
@click.argument("workload")
@_output
@_force
@_as_json
@_seed
@click.option(
    "--scalesim-reports", metavar="DIR", type=click.Path(path_type=Path),
    help="Also write SCALE-Sim's three report files for a systolic array into DIR/<name of the architecture>.",
)  # fmt: skip
@click.option("--scalesim-traces", is_flag=True, help="With them, its traces of every cycle (large).")
@click.option(
    "--toggles", is_flag=True, help="Count the bits that really switch in the registers of a systolic array (sampled)."
)
@click.option(
    "--mappings", metavar="FILE.yaml", type=click.Path(path_type=Path),
    help="Mappings of products, or parts of them, that are given (hwsim map -o FILE.yaml writes them).",
)  # fmt: skip
def run(
    arch: str,
    workload: str,
    output: Path | None,
    force: bool,
    as_json: bool,
    seed: int,
    scalesim_reports: Path | None,
    scalesim_traces: bool,
    toggles: bool,
    mappings: Path | None,
) -> None:
    """Run WORKLOAD on ARCH: bits, cycles, energy, area."""
    architecture, work = _architecture(arch), _workload(workload)
    may_write(output, "run", force)
    if scalesim_traces and scalesim_reports is None:
        raise InputError("--scalesim-traces: name a folder with --scalesim-reports")
    if scalesim_reports is not None:
        _write_scalesim(arch, architecture, work, scalesim_reports, force, scalesim_traces)
    fixed = read_mappings(mappings)
    from hwsim.engine import simulate
    from hwsim.report import progress, run_view, write_run

    with progress(work.name) as watch:
        result = simulate(architecture, work, seed=seed, toggles=toggles, mappings=fixed, progress=_steps(watch))
    if output is not None:
        write_run(result, output)
    _answer(as_json, result.to_json(), run_view(result))


@click.command()
@click.argument("archs", nargs=-1, required=True, metavar="ARCH ARCH...")
@click.option("-w", "--workload", required=True, help="What to run on each.")
@_output
@_force
@_as_json
@_seed
@click.option(
    "--with", "peer", type=click.Choice(["scalesim_v3"]),
    help="Instead: one systolic array against another simulator's counts, with the reason of each difference.",
)  # fmt: skip
def compare(
    archs: tuple[str, ...],
    workload: str,
    output: Path | None,
    force: bool,
    as_json: bool,
    seed: int,
    peer: str | None,
) -> None:
    """Run one workload on several architectures, side by side."""
    if peer is not None:
        _compare_with_scalesim(archs, workload, output, as_json)
        return
    architectures, work = [_architecture(arch) for arch in archs], _workload(workload)
    may_write(output, "comparison", force)
    from hwsim.engine import compare as compare_architectures
    from hwsim.report import comparison_view, progress, write_comparison

    with progress(work.name) as watch:
        results = compare_architectures(architectures, work, seed=seed, progress=_steps(watch))
    if output is not None:
        write_comparison(results, output)
    _answer(as_json, {"runs": [result.to_json() for result in results]}, comparison_view(results))


def _compare_with_scalesim(archs: tuple[str, ...], workload: str, output: Path | None, as_json: bool) -> None:
    if len(archs) > 1 or output is not None:
        raise InputError("--with compares one architecture, and prints: no further architecture, no --output")
    from hwsim.engine.scalesim_differences import differences
    from hwsim.report.scalesim_differences import differences_json, differences_view

    architecture, work = _architecture(archs[0]), _workload(workload)
    found = differences(architecture, work)
    answer = architecture.name, work.name, found
    _answer(as_json, differences_json(*answer), differences_view(*answer))


@click.command()
@click.argument("study")
@_output
@_force
@_as_json
@click.option("--workers", type=click.IntRange(1), help="Processes side by side; default: one per processor.")
@click.option("--restart", is_flag=True, help="Forget what an interrupted run of this study has finished.")
def explore(study: str, output: Path | None, force: bool, as_json: bool, workers: int | None, restart: bool) -> None:
    """Sweep or search the design space of STUDY; an interrupted study goes on where it stopped."""
    from hwsim.explore import load_study
    from hwsim.report import explore_study, study_view
    from hwsim.report.study import summary

    path = find(study, "studies")
    target = output or Path("reports") / load_study(path)[0].study.name
    may_write(target, "study", force)
    result = explore_study(path, target, workers=workers, restart=restart)
    _answer(as_json, summary(result), study_view(result))


def _write_scalesim(
    arch: str, architecture: Architecture, work: Workload, directory: Path, force: bool, traces: bool
) -> None:
    from hwsim.arch.scalesim_config import OFFSETS, ScaleSimConfig
    from hwsim.engine.scalesim import reported_layers
    from hwsim.report.files import safe_name
    from hwsim.report.scalesim import KIND, write_scalesim

    name = safe_name(architecture.name)
    may_write(directory / name, KIND, force)
    offsets = ScaleSimConfig.read(arch).offsets if arch.endswith(".cfg") else OFFSETS
    write_scalesim(reported_layers(architecture, work), directory, name, offsets if traces else None)


def _architecture(name: str) -> Architecture:
    from hwsim.arch import Architecture

    return Architecture.load(name)


def _workload(name: str) -> Workload:
    from hwsim.workload import Workload

    return Workload.load(name)


def may_write(directory: Path | None, kind: str, force: bool) -> None:
    """Before anything runs: is the folder free, or an earlier result that may be replaced?"""
    if directory is None:
        return
    from hwsim.report.folder import check_replaceable

    check_replaceable(directory, kind)
    if not force and directory.is_dir() and any(directory.iterdir()):
        raise InputError(f"{directory}: holds an earlier result; name another folder, or add --force to replace it")


def _steps(watch: Callable[[int, int], None] | None) -> Callable[[int, int, str], None] | None:
    """What `simulate` calls after each step, for a bar that counts them."""
    return None if watch is None else lambda done, total, name: watch(done, total)


def _answer(as_json: bool, plain: Any, view: Any) -> None:
    if as_json:
        click.echo(json.dumps(plain, indent=1, ensure_ascii=False, allow_nan=False))
        return
    from hwsim.cli.console import show
    from hwsim.report.table import WIDTH

    show(view, width=WIDTH)
