"""Workloads from files: YAML documents, ONNX models, ZigZag's lists of layers and CSV layer tables."""

from __future__ import annotations

import os
from pathlib import Path

from hwsim.base.document import Document, read_document
from hwsim.base.errors import InputError
from hwsim.base.shipped import find, resolve
from hwsim.base.validate import validate
from hwsim.workload.errors import Misplaced
from hwsim.workload.layer_table import read_layer_table
from hwsim.workload.workload import Workload
from hwsim.workload.zigzag_layers import ROWS, converted, is_layer_list


def load(name: str | os.PathLike[str]) -> Workload:
    """The checked workload of a ``.yaml`` (also ZigZag's), ``.onnx`` or ``.csv`` file, or a shipped one by its name."""
    path = find(name, "workloads")
    if path.suffix == ".csv":
        return read_layer_table(path)
    if path.suffix == ".onnx":
        from hwsim.workload.onnx_model import read_model

        document = Document(str(path), read_model(path))
    else:
        document = read_document(path, rows_as=ROWS)
    if is_layer_list(document):
        document = Document(document.shown, converted(document))
    workload = validate(Workload, document)
    if path.suffix != ".onnx":  # which is no text that could stand beside results
        workload._path = document.path
    try:
        workload.check()
    except Misplaced as error:
        raise document.error(error.place, error.problem) from None
    return workload


def tensor_path(source: Path | None, relative: str) -> Path:
    """Where a tensor file named in ``source`` lies; raises `InputError` if it lies nowhere."""
    if source is None:
        return Path(relative)
    try:
        return resolve(source, relative, "workloads")
    except InputError as error:
        raise InputError(str(error).removeprefix(f"{source}: ")) from None
