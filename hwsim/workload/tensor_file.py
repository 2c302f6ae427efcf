"""Tensors by name from a ``.npz`` or ``.safetensors`` file."""

from __future__ import annotations

import zipfile
from functools import cached_property
from pathlib import Path

import numpy as np

from hwsim.base.errors import InputError, did_you_mean

SUFFIXES = (".npz", ".safetensors")


class TensorFile:
    """A file of named tensors, opened at the first look. Raises `InputError` for whatever is wrong with it."""

    def __init__(self, path: Path) -> None:
        if path.suffix not in SUFFIXES:
            raise InputError(f"{path}: expected a tensor file ({' or '.join(SUFFIXES)})")
        self.path = path

    @property
    def names(self) -> list[str]:
        """Names of all tensors, sorted."""
        return sorted(self._tensors)

    @cached_property
    def metadata(self) -> dict[str, str]:
        """The header's texts; empty for ``.npz``."""
        if self.path.suffix == ".npz":
            return {}
        from safetensors import safe_open  # heavy imports are lazy

        with safe_open(self.path, framework="numpy") as file:
            return dict(file.metadata() or {})

    def array(self, name: str) -> np.ndarray:
        """The tensor called ``name``: numbers, all finite."""
        if name not in self._tensors:
            raise InputError(f"{self.path.name} has no tensor '{name}'{did_you_mean(name, self.names)}")
        array = self._tensors[name]
        if array.dtype.kind not in "fiu":
            raise InputError(f"{self.path.name}: tensor '{name}' holds {array.dtype}, expected numbers")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise InputError(f"{self.path.name}: tensor '{name}' holds inf or NaN")
        return array

    @cached_property
    def _tensors(self) -> dict[str, np.ndarray]:
        from safetensors import SafetensorError

        try:
            return self._read()
        except FileNotFoundError:
            raise InputError(f"{self.path}: no such file") from None
        except (OSError, ValueError, TypeError, EOFError, zipfile.BadZipFile, SafetensorError) as error:
            reason = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise InputError(f"{self.path}: no readable tensor file ({reason})") from None

    def _read(self) -> dict[str, np.ndarray]:
        if self.path.suffix == ".npz":
            # numpy leaves a file that it opened itself open when it is no archive.
            with self.path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
                return {name: archive[name] for name in archive.files}
        from safetensors.numpy import load_file

        return dict(load_file(self.path))
