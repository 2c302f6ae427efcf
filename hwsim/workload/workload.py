"""A workload: operators in the order of execution, their data, and how to judge the result."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import numpy as np
import yaml
from pydantic import Field, PositiveInt, PrivateAttr

from hwsim.base.compose import Location
from hwsim.base.errors import InputError
from hwsim.base.record import Record
from hwsim.workload.backend import Backend
from hwsim.workload.chains import named_chains
from hwsim.workload.distributions import Distribution, Normal
from hwsim.workload.errors import Misplaced
from hwsim.workload.graph import check_order, infer_shapes, read_names
from hwsim.workload.metric import Accuracy, Score
from hwsim.workload.operator import AnyOperator, Name, Operator
from hwsim.workload.steps import MatmulStep, Step
from hwsim.workload.tensor_file import TensorFile
from hwsim.workload.tensors import Sample, Shape, Tensors

MOST_WORK = 2**60
"""Operations of one step at most, so that cycles and bytes are counted in 64 bits."""


class Data(Record):
    """An array of a ``.npz`` or ``.safetensors`` file, or a drawn one of ``shape``; axis 0 counts samples."""

    file: str | None = None
    data: Name = "images"
    """The array's name; operators read the workload's input by it."""
    labels: str | None = None
    """The name of the array of right answers [N] in the same file."""
    shape: list[PositiveInt] | None = Field(None, min_length=2)
    """Of data that is drawn."""
    values: Distribution = Normal()
    """What data without a file is drawn from."""


class Numerics(Record):
    """How much of the numbers is computed."""

    compute: bool = True
    """False for networks of shapes: cycles, energy and area only, however large the network."""
    sample: Sample | None = None
    """For drawn operators that nobody reads: compute these many rows and columns, each exactly."""


class Workload(Record):
    """What is computed. Relative paths are relative to the file it was read from, then to shipped data."""

    name: str
    description: str = ""
    tensors: str | None = None
    """A ``.npz`` or ``.safetensors`` file of weights."""
    inputs: Data | None = None
    calibration: Data | None = None
    """Samples for choosing quantization scales; none of the inputs."""
    operators: list[AnyOperator] = Field(min_length=1)
    fuse: list[Annotated[list[Name], Field(min_length=1)]] = Field(default_factory=list)
    """Chains of operators whose intermediate results stay on the chip, such as ``[[scores, softmax, context]]``."""
    metric: Accuracy | None = None
    numerics: Numerics = Numerics()

    _path: Path | None = PrivateAttr(None)
    _files: dict[str, TensorFile] = PrivateAttr(default_factory=dict)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Workload:
        """Read and check a YAML file or a CSV layer table; raises `InputError` with the place."""
        from hwsim.workload.loading import load  # it makes Workloads

        return load(path)

    def text(self) -> str:
        """Its file, or YAML that says the same."""
        if self._path is not None and self._path.is_file():
            return self._path.read_text(encoding="utf-8")
        return str(
            yaml.safe_dump(self.model_dump(mode="json", exclude_unset=True), sort_keys=False, allow_unicode=True)
        )

    def check(self) -> None:
        """Raises `Misplaced` unless names, order, tensors, shapes and metric fit."""
        shapes = self.shapes()
        self._check_counts()
        self.chains()
        if self.metric is None:
            return
        if self.metric.logits not in shapes or len(shapes[self.metric.logits]) != 2:
            raise Misplaced(("metric", "logits"), f"'{self.metric.logits}' is no operator with an output [N, classes]")
        self.labels()

    def _check_counts(self) -> None:
        for operator, step in self.placed_steps():
            work = [step.macs] if isinstance(step, MatmulStep) else [step.work.reads, *step.work.operations.values()]
            if max(work) > MOST_WORK:
                place = ("operators", self.operators.index(operator))
                raise Misplaced(place, f"{step.name}: more than 2^60 operations; make its extents or repeat smaller")

    def operands(self, seed: int = 0) -> Tensors:
        """Where the operators find their tensors; ``seed`` is for those that are drawn."""
        file = None if self.tensors is None else self._file(("tensors",), self.tensors)
        read = read_names(self.operators)
        return Tensors(file, seed=seed, sample=self.numerics.sample, unsampled=read)

    def shapes(self) -> dict[str, Shape]:
        """Shape of the input and of every operator's output (without sampling), in order."""
        sources = {} if self.inputs is None else {self.inputs.data: self._shape(self.inputs, "inputs")}
        check_order(self.operators, self.inputs.data if self.inputs else None)
        return infer_shapes(self.operators, self.operands(), sources)

    def placed_steps(self) -> list[tuple[Operator, Step]]:
        """What hardware has to do, in order, each step with its operator. Step names are unique."""
        shapes, tensors = self.shapes(), self.operands()
        return [
            (operator, step)
            for operator in self.operators
            for step in operator.steps([shapes[name] for name in operator.input], tensors)
        ]

    def chains(self) -> list[list[tuple[Operator, Step]]]:
        """The steps of the chains that `fuse` names; raises `Misplaced` for what is no chain."""
        return named_chains(self.fuse, self.operators, self.placed_steps()) if self.fuse else []

    def steps(self) -> list[Step]:
        """The steps of `placed_steps` alone."""
        return [step for _, step in self.placed_steps()]

    def evaluate(self, backend: Backend, *, seed: int = 0, data: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """Every operator's output by name, computed by ``backend`` from ``data`` (the inputs, if not given)."""
        tensors = self.operands(seed)
        outputs: dict[str, np.ndarray] = {}
        if self.inputs is not None:
            outputs[self.inputs.data] = self._array(self.inputs, "inputs", seed) if data is None else data
        for operator in self.operators:
            inputs = [outputs[name] for name in operator.input]
            outputs[operator.name] = operator.evaluate(backend, inputs, tensors)
        return outputs

    def input_data(self, seed: int = 0) -> np.ndarray | None:
        """The inputs [N, ..]; None for a workload of drawn operands."""
        return None if self.inputs is None else self._array(self.inputs, "inputs", seed)

    def calibration_data(self, seed: int = 0) -> np.ndarray | None:
        """The calibration samples [N, ..], if there are any."""
        return None if self.calibration is None else self._array(self.calibration, "calibration", seed)

    def labels(self) -> np.ndarray | None:
        """The right answers, integers [N], if the inputs have them."""
        if self.inputs is None or self.inputs.file is None or self.inputs.labels is None:
            if self.metric is not None:
                raise Misplaced(("metric",), "accuracy needs inputs from a file with labels")
            return None
        labels = self._named(("inputs", "labels"), self.inputs.file, self.inputs.labels)
        count = self._shape(self.inputs, "inputs")[0]
        if labels.shape != (count,) or labels.dtype.kind not in "iu":
            found = f"{labels.dtype} {list(labels.shape)}"
            raise Misplaced(("inputs", "labels"), f"expected integers [{count}], got {found}")
        return labels

    def score(self, outputs: dict[str, np.ndarray]) -> Score | None:
        """The metric of what `evaluate` gave; None without a metric."""
        labels = self.labels()
        if self.metric is None or labels is None:
            return None
        return self.metric.score(outputs[self.metric.logits], labels)

    def _shape(self, data: Data, key: str) -> Shape:
        if (data.file is None) == (data.shape is None):
            raise Misplaced((key,), "expected either a file or a shape")
        if data.shape is not None:
            return tuple(data.shape)
        return tuple(self._array(data, key, 0).shape)

    def _array(self, data: Data, key: str, seed: int) -> np.ndarray:
        if data.file is None:
            shape = self._shape(data, key)
            return Tensors(seed=seed).drawn(key, data.data, data.values, shape, np.arange(shape[0]))
        array = self._named((key, "data"), data.file, data.data)
        if array.ndim < 2 or not array.size:
            raise Misplaced((key, "data"), f"expected samples [N, ..], got {list(array.shape)}")
        return array

    def _named(self, place: Location, relative: str, name: str) -> np.ndarray:
        file = self._file((*place[:-1], "file"), relative)
        try:
            return file.array(name)
        except InputError as error:
            raise Misplaced(place, str(error)) from None

    def _file(self, place: Location, relative: str) -> TensorFile:
        from hwsim.workload.loading import tensor_path

        if relative not in self._files:
            try:
                file = TensorFile(tensor_path(self._path, relative))
                _ = file.names  # read it now, so that what is wrong with it is said here
            except InputError as error:
                raise Misplaced(place, str(error)) from None
            self._files[relative] = file
        return self._files[relative]
