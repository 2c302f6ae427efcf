"""Where the shipped architectures, workloads and studies are, in a checkout and in an installed package."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

from hwsim.base.document import Document
from hwsim.base.errors import InputError, did_you_mean

FOLDERS = {
    "archs": "arch_configs",
    "matrix_units": "arch_configs/matrix_units",
    "gemm_orders": "arch_configs/gemm_orders",
    "workloads": "workloads",
    "studies": "studies",
}
"""Kind of description to the folder that holds it."""
_NOUN = {
    "archs": "architecture", "matrix_units": "matrix unit", "gemm_orders": "GEMM order", "workloads": "workload",
    "studies": "study",
}  # fmt: skip


def folder(kind: str) -> Path:
    """The folder of the shipped files of ``kind``: package data of an installed hwsim, or the checkout's own."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "_data" / FOLDERS[kind]
    return installed if installed.is_dir() else package.parent / FOLDERS[kind]


def shipped(kind: str) -> dict[str, Path]:
    """Name to YAML file of everything shipped of ``kind``, a key of `FOLDERS`."""
    return {path.stem: path for path in sorted(folder(kind).glob("*.yaml"))}


def find(name: str | os.PathLike[str], kind: str) -> Path:
    """A file that the user named: a path, or the bare name of something shipped.

    Raises `InputError` with the nearest shipped name.
    """
    path = Path(name)
    if path.exists() and (path.is_file() or path.name not in shipped(kind)):
        return path
    found = _among_shipped(os.fspath(name), kind)
    if found is not None:
        return found
    named = kind == "matrix_units" and path.suffix != ".yaml"  # their names have a dot, such as hopper.wgmma
    if (path.suffix and not named) or len(path.parts) > 1:
        return path  # reading it will say what is wrong with it
    raise InputError(
        f"{name}: neither a file nor a shipped {_NOUN[kind]}{did_you_mean(os.fspath(name), shipped(kind))}"
    )


def resolve(
    source: Document | str | os.PathLike[str], relative: str, kind: str, location: tuple[str | int, ...] = ()
) -> Path:
    """The file that ``relative`` means inside ``source``: relative to it, then among the shipped files of ``kind``.

    A path that climbs out of its folder (``../arch_configs/name.yaml``) is found among the shipped files by the
    part below that folder. Raises `InputError` at ``location`` of a `Document`.
    """
    beside = Path(source.shown if isinstance(source, Document) else source).parent / relative
    if beside.is_file():
        return beside
    found = _among_shipped(relative, kind)
    if found is not None:
        return found
    message = f"'{relative}' is neither a file beside this one nor shipped with hwsim"
    near = did_you_mean(PurePosixPath(relative).stem, shipped(kind))
    message += near if "did you mean" in near else ""
    if isinstance(source, Document):
        raise source.error(location, message)
    raise InputError(f"{os.fspath(source)}: {message}")


def _among_shipped(name: str, kind: str) -> Path | None:
    parts = [part for part in PurePosixPath(name).parts if part not in ("..", ".")]
    if PurePosixPath(name).is_absolute() or not parts:
        return None
    inside = list(PurePosixPath(FOLDERS[kind]).parts)
    if parts[: len(inside)] == inside:
        parts = parts[len(inside) :]
    candidate = folder(kind).joinpath(*parts)
    for path in (candidate, candidate.with_name(candidate.name + ".yaml")):
        if parts and path.is_file():
            return path
    return None
