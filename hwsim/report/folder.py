"""A folder of results appears at once or not at all, and replaces only what hwsim itself wrote."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hwsim.base.errors import InputError

MARKER = ".hwsim.json"
"""Lists the files of a result folder; a folder without it, or with other files in it, is not ours to replace."""


@contextmanager
def result_folder(directory: Path, kind: str) -> Iterator[Path]:
    """A temporary sibling of ``directory`` to write into; it takes that name when the block ends without error.

    ``kind`` is ``run``, ``comparison`` or ``study``; a folder is replaced by one of its own kind.
    Raises `InputError` when ``directory`` exists and is something else.
    """
    check_replaceable(directory, kind)
    directory.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    try:
        yield temporary
        _mark(temporary, kind)
        temporary.chmod(0o777 & ~_umask())  # mkdtemp makes it private
        _put_in_place(temporary, directory)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def check_replaceable(directory: Path, kind: str) -> None:
    """Raise `InputError` unless ``directory`` is free, empty, or a result of this ``kind`` and nothing more."""
    if not directory.exists():
        return
    if not directory.is_dir():
        raise InputError(f"{directory}: is a file; name a folder for the results")
    present = {str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()}
    if not present:
        return
    try:
        marker = json.loads((directory / MARKER).read_text())
        listed, found = {*marker["files"], MARKER}, marker["kind"]
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"{directory}: not a folder that hwsim wrote; name another one for the results") from None
    if found != kind:
        raise InputError(f"{directory}: holds a {found}, not a {kind}; name another folder for the results")
    if strangers := sorted(present - listed):
        raise InputError(f"{directory}: holds '{strangers[0]}', which hwsim did not write; name another folder")


def _mark(folder: Path, kind: str) -> None:
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    (folder / MARKER).write_text(json.dumps({"kind": kind, "files": files}, indent=1) + "\n")


def _put_in_place(temporary: Path, directory: Path) -> None:
    if not directory.exists():
        temporary.rename(directory)
        return
    # A folder with files in it cannot be renamed over: the old one steps aside first.
    aside = Path(tempfile.mkdtemp(prefix=f".{directory.name}.", dir=directory.parent))
    directory.rename(aside / "old")
    temporary.rename(directory)
    shutil.rmtree(aside)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
