"""Matrix products: ``gemm`` of drawn, named or computed operands, and ``linear`` with trained weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
from pydantic import PositiveInt

from hwsim.base.record import Record
from hwsim.units.base import Gemm, Window
from hwsim.workload.backend import Activation, Backend, OperandRole
from hwsim.workload.distributions import Normal
from hwsim.workload.operator import Operator, Pair, operators
from hwsim.workload.steps import MatmulStep, Step
from hwsim.workload.tensors import Shape, Tensors, TensorSource
from hwsim.workload.vector_ops import epilogue
from hwsim.workload.windows import output_extent


class ImageWindows(Record):
    """The convolution behind a drawn product: windows of ``kernel`` over one image, padding included."""

    image: Pair
    """Height and width."""
    channels: PositiveInt
    kernel: Pair
    stride: Pair = (1, 1)

    @property
    def extents(self) -> tuple[int, int]:
        """m and k: windows, and elements in each."""
        rows, cols = output_extent(self.image, self.kernel, self.stride, (0, 0))
        return max(rows, 0) * max(cols, 0), self.channels * math.prod(self.kernel)

    @property
    def elements(self) -> int:
        """Of the image."""
        return self.channels * math.prod(self.image)

    def geometry(self) -> Window:
        """The same for hardware."""
        outputs = output_extent(self.image, self.kernel, self.stride, (0, 0))
        return Window(1, outputs, self.channels, self.kernel, self.image, self.stride)


@operators.register("gemm")
class GemmOperator(Operator):
    """[m, k] × [k, n] → [m, n].

    Without input both operands are tensors or drawn (``m``, ``n``, ``k`` then say how large); one input
    is operand a, two inputs are a and b, with equal leading dimensions that count independent products.
    """

    op: Literal["gemm"] = "gemm"
    m: PositiveInt | None = None
    n: PositiveInt | None = None
    k: PositiveInt | None = None
    repeat: PositiveInt = 1
    """How often the product is executed; cycles and energy count them all, values are computed once."""
    a: TensorSource = Normal()
    """Tensor [m, k], unless the operator has an input."""
    windows: ImageWindows | None = None
    """Of a convolution in a trace: whose windows the rows of a drawn operand a are; m and k follow from it."""
    b: TensorSource = Normal()
    """Tensor [k, n], unless the operator has two inputs."""
    transpose_b: bool = False
    """Operand b is given as [n, k]."""
    b_role: OperandRole | None = None
    """``weight`` (quantized by column) or ``activation``; a weight if not given, unless it is an input."""

    inputs_expected: ClassVar[tuple[int, ...]] = (0, 1, 2)

    def infer(self, shapes: Sequence[Shape], tensors: Tensors) -> Shape:
        """[.., m, n]."""
        return self._extents(shapes, tensors)[1]

    def steps(self, shapes: Sequence[Shape], tensors: Tensors) -> list[Step]:
        """One product, ``repeat`` times for each of the leading dimensions."""
        gemm, _ = self._extents(shapes, tensors)
        if self.windows is None:
            return [MatmulStep(self.name, self.op, gemm, self._role, a_elements=gemm.count * gemm.m * gemm.k)]
        distinct, geometry = gemm.count * self.windows.elements, self.windows.geometry()
        return [MatmulStep(self.name, self.op, gemm, self._role, a_elements=distinct, window=geometry)]

    def evaluate(self, backend: Backend, inputs: Sequence[np.ndarray], tensors: Tensors) -> np.ndarray:
        """The product of the sampled rows of a and the sampled columns of b (of all, for inputs)."""
        gemm, _ = self._extents([tuple(array.shape) for array in inputs], tensors)
        if len(inputs) == 2:
            b = inputs[1].swapaxes(-1, -2) if self.transpose_b else inputs[1]
            return backend.matmul(self.name, inputs[0], b, b_role=self._role)
        a = inputs[0] if inputs else self._rows_of_a(tensors, gemm)
        leading = a.shape[:-1]
        b = self._columns_of_b(tensors, gemm, bool(inputs))
        product = backend.matmul(self.name, a.reshape(-1, gemm.k), b, b_role=self._role)
        return product.reshape(*leading, -1)

    @property
    def _role(self) -> OperandRole:
        return self.b_role or ("activation" if len(self.input) == 2 else "weight")

    def _rows_of_a(self, tensors: Tensors, gemm: Gemm) -> np.ndarray:
        rows = tensors.sampled_rows(self.name, gemm.m)
        if isinstance(self.a, str):
            return np.asarray(tensors.array(self.name, "a", self.a)[rows])
        return tensors.drawn(self.name, "a", self.a, (gemm.m, gemm.k), rows)

    def _columns_of_b(self, tensors: Tensors, gemm: Gemm, whole: bool) -> np.ndarray:
        cols = np.arange(gemm.n) if whole else tensors.sampled_cols(self.name, gemm.n)
        if isinstance(self.b, str):
            named = tensors.array(self.name, "b", self.b)
            return np.asarray((named.T if self.transpose_b else named)[:, cols])
        # Drawn column by column: a column's values do not depend on which others are sampled.
        return tensors.drawn(self.name, "b", self.b, (gemm.n, gemm.k), cols).T

    def check_inputs(self) -> None:
        """Raises `Misfit` also for an operand that is given twice, and for windows that are none."""
        super().check_inputs()
        if self.windows is not None:
            if self.input or isinstance(self.a, str):
                raise self.misfit("windows belong to a product whose operand a is drawn", "windows")
            if not self.windows.extents[0]:
                kernel, image = list(self.windows.kernel), list(self.windows.image)
                raise self.misfit(f"kernel {kernel} is larger than the image {image}", "windows")
        for operand, _ in zip("ab", self.input, strict=False):
            if operand in self.model_fields_set:
                raise self.misfit(f"operand {operand} is input '{self.input['ab'.index(operand)]}' already", operand)

    def _extents(self, shapes: Sequence[Shape], tensors: Tensors) -> tuple[Gemm, Shape]:
        drawn = (self.m, self.k) if self.windows is None else self.windows.extents
        a = shapes[0] if shapes else self._operand(tensors, "a", drawn)
        b = shapes[1] if len(shapes) == 2 else self._b_shape(tensors, a[-1])
        if self.transpose_b and len(shapes) == 2:
            b = (*b[:-2], b[-1], b[-2])
        if len(a) < 2 or len(b) < 2 or a[-1] != b[-2] or (len(shapes) == 2 and a[:-2] != b[:-2]):
            raise self.misfit(f"cannot multiply {list(a)} by {list(b)}", "input" if self.input else None)
        for field, found in (("m", a[-2]), ("n", b[-1]), ("k", a[-1])):
            if getattr(self, field) not in (None, found):
                raise self.misfit(f"{field} is {getattr(self, field)}, but the operands have {found}", field)
        if len(shapes) == 2:
            return Gemm(a[-2], b[-1], a[-1], self.repeat * math.prod(a[:-2])), (*a[:-1], b[-1])
        # One b for all: leading dimensions are rows of one product.
        return Gemm(math.prod(a[:-1]), b[-1], a[-1], self.repeat), (*a[:-1], b[-1])

    def _b_shape(self, tensors: Tensors, k: int) -> Shape:
        if not isinstance(self.b, str):
            return self._operand(tensors, "b", (k if self.k is None else self.k, self.n))
        shape = tensors.shape(self.name, "b", self.b)
        return shape[::-1] if self.transpose_b else shape

    def _operand(self, tensors: Tensors, operand: str, extents: tuple[int | None, int | None]) -> Shape:
        source = getattr(self, operand)
        if isinstance(source, str):
            return tensors.shape(self.name, operand, source)
        rows, cols = extents
        if rows is None or cols is None:
            names = "m and k" if operand == "a" else "n"
            raise self.misfit(f"operand {operand} is drawn and needs {names}")
        return rows, cols


@operators.register("linear")
class Linear(Operator):
    """input · weightᵀ + bias along the last axis; images [N, C, H, W] are flattened to [N, C·H·W] first."""

    op: Literal["linear"] = "linear"
    weight: TensorSource
    """[outputs, inputs]."""
    bias: TensorSource | None = None
    """[outputs]."""
    activation: Activation | None = None

    def infer(self, shapes: Sequence[Shape], tensors: Tensors) -> Shape:
        """[.., outputs]."""
        shape, weight = _flat(shapes[0]), tensors.shape(self.name, "weight", self.weight)
        if len(weight) != 2 or weight[1] != shape[-1]:
            raise self.misfit(f"weight {list(weight)} does not fit input {list(shapes[0])}", "weight")
        if self.bias is not None and tensors.shape(self.name, "bias", self.bias) != weight[:1]:
            found = tensors.shape(self.name, "bias", self.bias)
            raise self.misfit(f"bias {list(found)} does not fit weight {list(weight)}", "bias")
        return (*shape[:-1], weight[0])

    def steps(self, shapes: Sequence[Shape], tensors: Tensors) -> list[Step]:
        """One product over all leading dimensions."""
        outputs = self.infer(shapes, tensors)
        gemm = Gemm(math.prod(outputs[:-1]), outputs[-1], _flat(shapes[0])[-1])
        biased = self.bias is not None
        after = epilogue(gemm.m * gemm.n, biased, self.activation)
        return [MatmulStep(self.name, self.op, gemm, "weight", biased, self.activation, after, gemm.m * gemm.k)]

    def evaluate(self, backend: Backend, inputs: Sequence[np.ndarray], tensors: Tensors) -> np.ndarray:
        """One backend product [rows, inputs] × [inputs, outputs]."""
        x = inputs[0].reshape(_flat(tuple(inputs[0].shape)))
        weight = tensors.array(self.name, "weight", self.weight)
        bias = None if self.bias is None else tensors.array(self.name, "bias", self.bias)
        rows = x.reshape(-1, x.shape[-1])
        y = backend.matmul(self.name, rows, weight.T, bias=bias, activation=self.activation)
        return y.reshape(*x.shape[:-1], -1)


def _flat(shape: Shape) -> Shape:
    return (shape[0], math.prod(shape[1:])) if len(shape) == 4 else shape
