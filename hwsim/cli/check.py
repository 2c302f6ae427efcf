"""``hwsim check``: are these files what they should be? No simulation, no heavy import."""

from __future__ import annotations

from pathlib import Path

import click

from hwsim.base.document import Document
from hwsim.base.errors import HwsimError, InputError, did_you_mean
from hwsim.base.shipped import FOLDERS, find, shipped

KINDS = {
    "archs": "architecture",
    "workloads": "workload",
    "studies": "study",
    "formats": "formats",
    "matrix_units": "matrix unit",
    "gemm_orders": "GEMM order",
    "mappings": "mappings for",
}
FILES = (".yaml", ".yml", ".csv", ".cfg", ".onnx")
"""Suffixes that tell a file from a name: those of matrix units have a dot (hopper.wgmma)."""
_TELLING_KEYS = {
    "archs": ("compute", "memories", "technology", "quantization", "vector"),
    "workloads": ("operators", "tensors", "inputs", "calibration", "metric", "numerics"),
    "studies": ("vary", "architecture", "workloads", "objectives", "constraints", "search"),
    "formats": ("formats", "kind", "element", "levels"),
    "gemm_orders": ("tile", "split_k", "split", "combine", "promote_every", "stream_k", "tiling", "epilogue"),
    "matrix_units": ("instructions",),
    "mappings": ("mappings", "architecture", "workload"),
}
"""Top-level keys that tell what a file describes."""


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.pass_context
def check(ctx: click.Context, files: tuple[str, ...]) -> None:
    """Check architectures, workloads, studies, matrix units, GEMM orders, mappings and formats, told by their keys."""
    bad = 0
    for file in files:
        try:
            kind, name = check_file(file)
        except HwsimError as error:
            click.echo(" ".join(str(error).split()), err=True)
            bad = max(bad, error.exit_code)
        else:
            click.echo(f"{file}: {KINDS[kind]} '{name}' is fine")
    ctx.exit(bad)


def check_file(name: str) -> tuple[str, str]:
    """Kind and name of what ``name`` (a file, or something shipped) describes; raises `InputError`."""
    path = _path(name)
    if path.suffix in (".csv", ".onnx"):
        return "workloads", _load("workloads", path)
    if path.suffix == ".cfg":
        return "archs", _load("archs", path)
    kind = _of_yaml(path)
    return kind, _load(kind, path)


def _of_yaml(path: Path) -> str:
    """The kind of a YAML file; of lists at the top, only ZigZag's layers are files of their own."""
    from hwsim.arch.zigzag_accelerator import read_yaml
    from hwsim.workload.zigzag_layers import ROWS, is_layer_list

    document = read_yaml(path, rows_as=ROWS)
    if is_layer_list(document):
        return "workloads"
    rows = document.data.get(ROWS)
    if isinstance(rows, list) and any(isinstance(row, dict) and "memory_operand_links" in row for row in rows):
        raise document.error((), "ZigZag's mappings are read with their accelerator: hwsim convert ACCELERATOR MAPPING")
    return recognise(read_yaml(path))  # which refuses another list


def _path(name: str) -> Path:
    if Path(name).exists() or Path(name).suffix in FILES or len(Path(name).parts) > 1:
        # A path into a shipped folder is also understood outside a checkout.
        return find(name, _folder_of(Path(name)))
    for kind in FOLDERS:
        if name in shipped(kind):
            return shipped(kind)[name]
    known = [each for kind in FOLDERS for each in shipped(kind)]
    raise InputError(f"{name}: neither a file nor shipped with hwsim{did_you_mean(name, known)}")


def _folder_of(path: Path) -> str:
    """The kind whose folder is part of the path, the deepest first."""
    held = [kind for kind, folder in FOLDERS.items() if folder in path.parent.as_posix()]
    return max(held, key=lambda kind: len(FOLDERS[kind]), default="archs")


def _load(kind: str, path: Path) -> str:  # noqa: PLR0911 (one return for each kind)
    if kind == "archs":
        return _architecture(path)
    if kind == "formats":
        from hwsim.formats import load

        return ", ".join(load(path))
    if kind == "gemm_orders":
        from hwsim.arch.gemm_orders import gemm_order

        return gemm_order(str(path)).name
    if kind == "matrix_units":
        from hwsim.arch.matrix_units import MatrixUnitFile

        return MatrixUnitFile.load(path).name
    if kind == "mappings":
        from hwsim.mapping.fixed import Mappings

        return Mappings.load(path).workload or "any workload"
    if kind == "workloads":
        from hwsim.workload import Workload

        return Workload.load(path).name
    from hwsim.explore import load_study
    from hwsim.explore.evaluate import check_designs

    files, document = load_study(path)
    check_designs(files, document)
    for workload in files.workloads:
        _load("workloads", workload)
    return files.study.name


def _architecture(path: Path) -> str:
    from hwsim.arch import Architecture
    from hwsim.base.errors import naming
    from hwsim.mapping.checks import check_unit
    from hwsim.mapping.hierarchy import build_hierarchy

    architecture = Architecture.load(path)
    with naming(str(path)):
        check_unit(architecture.compute, build_hierarchy(architecture.memories, architecture.clock_hz))
    return architecture.name


def recognise(document: Document) -> str:
    """``archs``, ``workloads`` or ``studies``, by the keys at the top; raises `InputError` when none tells."""
    scores = {kind: sum(key in document.data for key in keys) for kind, keys in _TELLING_KEYS.items()}
    best = max(scores, key=lambda kind: scores[kind])
    if scores[best] == 0:
        raise document.error(
            (),
            "neither an architecture (memories, compute), a workload (operators), a study (vary), "
            "a matrix unit (instructions), mappings nor formats (kind)"
            f"{_misspelt(list(document.data))}",
        )
    return best


def _misspelt(written: list[str]) -> str:
    known = [key for keys in _TELLING_KEYS.values() for key in keys]
    tails = [did_you_mean(key, known) for key in written]
    return next((f" ('{key}'{tail})" for key, tail in zip(written, tails, strict=True) if "did you mean" in tail), "")
