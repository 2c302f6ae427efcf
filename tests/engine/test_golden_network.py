"""Whole networks against models in plain Python integers and fractions, bit for bit, every intermediate tensor.

`test_int8_cnn` follows digits_cnn through the INT8 array with loops of its own: convolution, scales, column sums,
folds, bias, requantization, pooling. `GoldenBackend` is the same for every quantization rule, on a small network with
grouped and depthwise convolutions.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest

from hwsim.arch import Architecture
from hwsim.base.errors import HwsimError
from hwsim.engine import simulate
from hwsim.engine.backend import SimulatedBackend
from hwsim.engine.calibration import Scales, calibrate_activations
from hwsim.engine.plan import Plan, plan
from hwsim.golden import datapath as golden
from hwsim.golden import quantize as rules
from hwsim.golden.formats import decode, encode
from hwsim.golden.number import Events
from hwsim.workload import ReferenceBackend, Workload


def simulated(architecture: Architecture, work: Workload, data: Any = None) -> dict[str, np.ndarray]:
    """The output of every operator as the engine computes it."""
    unit, flow = architecture.compute, plan(work.operators)
    scales = calibrate_activations(work, architecture.quantization.activations, unit.b_format, flow, 0)
    return work.evaluate(SimulatedBackend(architecture, flow, scales), data=data)


# The INT8 array on the trained network -----------------------------------------------------------------


def fit(x: int, bits: int) -> int:
    return max(-(1 << (bits - 1)), min(x, (1 << (bits - 1)) - 1))


def column_sum(a: list[int], b: list[int]) -> int:
    """Chunks of 32 products in 24 saturating bits, added in 32 saturating bits."""
    total = 0
    for first in range(0, len(a), 32):
        chunk = 0
        for x, y in zip(a[first : first + 32], b[first : first + 32], strict=True):
            chunk = fit(chunk + x * y, 24)
        total = fit(total + chunk, 32)
    return total


def to_int8(x: float, scale: np.float32) -> int:
    return fit(round(float(x) / float(scale)), 8)  # Python rounds half to even


def percentile_scale(values: np.ndarray, percent: float) -> np.float32:
    """By linear interpolation between order statistics, over 127."""
    ordered = np.sort(np.abs(values.astype(np.float64)).ravel())
    position = percent / 100 * (ordered.size - 1)
    low = math.floor(position)
    value = ordered[low] + (ordered[min(low + 1, ordered.size - 1)] - ordered[low]) * (position - low)
    return np.float32(value / 127)


def weight_codes(weight: np.ndarray) -> tuple[list[list[int]], list[np.float32]]:
    """Of each output channel."""
    rows = weight.reshape(weight.shape[0], -1).astype(np.float64)
    scales = [np.float32(np.abs(row).max() / 127) for row in rows]
    return [[to_int8(w, s) for w in row] for row, s in zip(rows, scales, strict=True)], scales


def layer(rows: list[list[int]], s_in: Any, weight: np.ndarray, bias: np.ndarray, s_out: Any, relu: bool) -> list[Any]:
    """Codes of [rows][output channels]; real float32 numbers where ``s_out`` is None."""
    codes, scales = weight_codes(weight)
    result = []
    for row, (column, s_w, c) in product(rows, zip(codes, scales, bias, strict=True)):
        total, scale = column_sum(row, column), float(s_in) * float(s_w)
        if s_out is None:
            result.append(np.float32(np.float32(np.float32(total) * np.float32(scale)) + np.float32(c)))
            continue
        total += round(float(c) / scale)
        q = rules.requantize(total, *rules.fixed_point_multiplier(scale / float(s_out)), 0, INT8)
        q -= 256 if q > 127 else 0
        result.append(max(q, 0) if relu else q)
    width = len(codes)
    return [result[i : i + width] for i in range(0, len(result), width)]


def convolution_rows(image: dict[tuple[int, int, int], int], channels: int, size: int) -> list[list[int]]:
    """3×3 windows around every pixel, in the order channel, row, column; zeros around the image."""
    window = list(product(range(channels), (-1, 0, 1), (-1, 0, 1)))
    return [[image.get((c, y + dy, x + dx), 0) for c, dy, dx in window] for y in range(size) for x in range(size)]


INT8: Any = Architecture.load("systolic_int8_ws_32x32").compute.a_format


def test_int8_cnn() -> None:
    architecture, work = Architecture.load("systolic_int8_ws_32x32"), Workload.load("digits_cnn")
    images = work.input_data()[[0, 7]]
    ours = simulated(architecture, work, images)
    tensors = work.operands()
    weight = {name: tensors.array(name, "w", f"{name}.weight") for name in ("conv1", "conv2", "fc")}
    bias = {name: tensors.array(name, "b", f"{name}.bias") for name in ("conv1", "conv2", "fc")}
    seen = work.evaluate(ReferenceBackend(), data=work.calibration_data())
    scale = {name: percentile_scale(seen[name], 99.9) for name in ("conv1", "conv2")}
    scale["images"] = percentile_scale(work.calibration_data(), 99.9)

    for n, pixels in enumerate(images):
        image = {(0, y, x): to_int8(pixels[0, y, x], scale["images"]) for y in range(8) for x in range(8)}
        for name, before in (("conv1", "images"), ("conv2", "conv1")):
            channels = weight[name].shape[1]
            rows = layer(
                convolution_rows(image, channels, 8), scale[before], weight[name], bias[name], scale[name], True
            )
            image = {(c, i // 8, i % 8): q for i, row in enumerate(rows) for c, q in enumerate(row)}
            for (c, y, x), q in image.items():
                assert ours[name][n, c, y, x] == q * float(scale[name])
        pooled = [
            max(image[c, 2 * y + dy, 2 * x + dx] for dy in (0, 1) for dx in (0, 1))
            for c, y, x in product(range(weight["conv2"].shape[0]), range(4), range(4))
        ]
        assert np.rint(ours["pool"][n].ravel() / scale["conv2"]).tolist() == pooled
        (logits,) = layer([pooled], scale["conv2"], weight["fc"], bias["fc"], None, False)
        assert ours["fc"][n].tolist() == logits


# Every quantization rule on a small network --------------------------------------------------------------

NETWORK = {
    "name": "small",
    "inputs": {"data": "images", "shape": [2, 4, 4, 4], "values": {"distribution": "normal", "mean": 0.5}},
    "calibration": {"data": "images", "shape": [6, 4, 4, 4], "values": {"distribution": "normal", "mean": 0.5}},
    "operators": [
        {"name": "grouped", "op": "conv2d", "input": "images", "groups": 2, "padding": 1, "activation": "relu"},
        {"name": "depthwise", "op": "conv2d", "input": "grouped", "groups": 4, "padding": 1, "stride": 2},
        {"name": "pool", "op": "max_pool2d", "input": "depthwise", "kernel": 2},
        {"name": "classes", "op": "linear", "input": "pool"},
    ],
}
SHAPES = {"grouped": ([4, 2, 3, 3], [4]), "depthwise": ([4, 1, 3, 3], [4]), "classes": ([3, 4], [3])}


def small_network() -> Workload:
    operators = [
        dict(fields)
        | {
            key: {"distribution": "normal", "shape": shape}
            for key, shape in zip(("weight", "bias"), SHAPES.get(str(fields["name"]), ()), strict=False)
        }
        for fields in NETWORK["operators"]  # type: ignore[attr-defined]
    ]
    return Workload.model_validate({**NETWORK, "operators": operators})


class GoldenBackend:
    """A `Backend` one Python number at a time: golden quantization, golden datapath, fp32 vector unit."""

    def __init__(self, architecture: Architecture, flow: Plan, scales: Scales) -> None:
        self.architecture, self.flow, self.scales = architecture, flow, scales
        self.datapath = architecture.compute.datapath  # type: ignore[attr-defined]

    def vector(self, name: str, op: str, arrays: list[np.ndarray], **params: float) -> np.ndarray:
        assert op == "max"
        return arrays[0].max(axis=-1).astype(np.float32).astype(np.float64)

    def matmul(self, name: str, a: Any, b: Any, *, bias: Any = None, activation: Any = None, b_role: Any = "weight"):
        lead = a.shape[:-2]
        a, b = a.reshape(-1, *a.shape[-2:]), b.reshape(-1, *b.shape[-2:])
        c = np.zeros((1, b.shape[-1])) if bias is None else bias
        c = np.broadcast_to(c.reshape(-1, 1, b.shape[-1]), (len(a), 1, b.shape[-1]))
        result = np.zeros((*a.shape[:-1], b.shape[-1]))
        for g, i, j in np.ndindex(*result.shape):
            start = None if bias is None else float(c[g, 0, j])
            result[g, i, j] = self._output(name, a[g, i], b[g, :, j], start, activation == "relu", b)
        return result.reshape(*lead, *result.shape[1:])

    def _output(self, name: str, row: Any, column: Any, bias: float | None, relu: bool, whole_b: Any) -> float:
        quantization = self.architecture.quantization
        known = self.scales.of(name, "a", self.flow.scaled_as[name])
        total, k = None, len(row)
        size = next((r.group_size for r in (quantization.activations, quantization.weights) if r and r.group_size), k)
        outer, per_k = quantization.activations, np.ones(k)
        if outer is not None and outer.granularity == "channel":
            per_k = known.scale.astype(np.float64)  # type: ignore[union-attr]
        for first in range(0, k, size):
            part = slice(first, first + size)
            qa, za, sa = self._side("a", outer, row[part], known, part, None)
            qb, zb, sb = self._side("b", quantization.weights, (column * per_k)[part], None, part, whole_b)
            sums = self._sum(qa, qb, za, zb)
            integers = quantization.requantization == "fixed_point" and size == k
            if integers and name in self.flow.stored_as_codes and name in self.scales.tensors:
                return self._requantized(name, sums, sa * sb, bias, relu)
            scaled = np.float32(sums)
            if sa is not None or sb is not None:
                scaled = scaled * np.float32((sa or 1.0) * (sb or 1.0))
            total = scaled if total is None else total + scaled
        if bias is not None:
            total = total + np.float32(bias)
        return float(max(total, np.float32(0)) if relu else total)  # type: ignore[type-var]

    def _side(self, side: str, rule: Any, values: Any, known: Any, part: slice, whole_b: Any) -> Any:
        """Codes in the operand's format, zero points by k, and what the sum is multiplied by."""
        fmt = self.datapath.operands.a if side == "a" else self.datapath.operands.b
        values = [float(x) for x in values]
        if rule is None:
            return [encode(fmt, x, "rne", "saturate") for x in values], [0] * len(values), None
        if rule.granularity == "group" or (side == "b" and rule.granularity == "channel"):
            scale, zero = self._chosen(rule, values)
        elif side == "b":
            scale, zero = self._chosen(rule, [float(x) for x in whole_b.ravel()])
        else:
            scale, zero = known.scale, known.zero_point
        channel = side == "a" and rule.granularity == "channel"
        scales = [float(s) for s in (scale[part] if channel else [scale] * len(values))]
        zeros = [int(z) for z in (zero[part] if channel else [zero] * len(values))]
        codes = [
            rules.quantize(rule.format, x, s, z, rule.rounding) for x, s, z in zip(values, scales, zeros, strict=True)
        ]
        in_operand = [encode(fmt, decode(rule.format, q)) for q in codes]
        return in_operand, zeros, 1.0 if channel else scales[0]

    def _chosen(self, rule: Any, values: list[float]) -> tuple[float, int]:
        """Absmax, or the range with zero in it."""
        if not any(values):
            return 1.0, 0 if rule.symmetric else int(rule.format.min)
        if rule.symmetric:
            return float(np.float32(max(map(abs, values)) / rule.format.max)), 0
        low, high = min([*values, 0.0]), max([*values, 0.0])
        scale = np.float32((high - low) / (rule.format.max - rule.format.min))
        return float(scale), fit(round(rule.format.min - low / float(scale)), rule.format.bits)

    def _sum(self, qa: list[int], qb: list[int], za: list[int], zb: list[int]) -> Any:
        """The array's sum, the zero points taken out: exactly of integers, in fp32 of other sums."""
        datapath = self.datapath
        code = golden.dot(datapath, qa, qb, None, Events())
        fmt = datapath.result_format
        whole = fmt.kind != "float" and datapath.output is None
        places = -fmt.fraction_bits if fmt.kind == "fixed" else 0
        value = code * 2.0**places if whole else decode(fmt, code)
        if not any(za) and not any(zb):
            return int(value) if fmt.kind == "integer" else float(value)
        a = [int(decode(datapath.operands.a, q)) for q in qa]
        b = [int(decode(datapath.operands.b, q)) for q in qb]
        terms = sum(z * y for z, y in zip(za, b, strict=True))
        terms += sum((x - z) * w for x, z, w in zip(a, za, zb, strict=True))
        return int(value) - terms if fmt.kind == "integer" else np.float32(value) - np.float32(terms)

    def _requantized(self, name: str, sums: int, scale: float, bias: float | None, relu: bool) -> float:
        out = self.scales.tensors[name]
        zero, fmt = int(out.zero_point), self.architecture.quantization.activations.format  # type: ignore[union-attr]
        sums += round((bias or 0.0) / scale)
        multiplier = rules.fixed_point_multiplier(scale / float(out.scale))
        q = int(decode(fmt, rules.requantize(sums, *multiplier, zero, fmt)))
        return (max(q, zero) - zero if relu else q - zero) * float(out.scale)


SMALL = {"compute.rows": 4, "compute.cols": 4}
PERCENTILE = {"percentile": 99.0}
CASES: dict[str, tuple[str, dict[str, Any]]] = {
    "symmetric": ("int8", {}),
    "asymmetric activations": ("int8", {"quantization.activations.symmetric": False}),
    "asymmetric on both sides, clipped": (
        "int8",
        {
            "quantization.activations": {"format": "int8", "symmetric": False, "scale": PERCENTILE},
            "quantization.weights.symmetric": False,
            "quantization.requantization": "float",
        },
    ),
    "weights per tensor": ("int8", {"quantization.weights.granularity": "tensor"}),
    "groups of k": (
        "int8",
        {
            "quantization.weights": {"format": "int8", "granularity": "group", "group_size": 5},
            "quantization.activations": {"format": "int8", "granularity": "group", "group_size": 5, "symmetric": False},
        },
    ),
    "groups of weights alone": (
        "int8",
        {"quantization.weights": {"format": "int8", "granularity": "group", "group_size": 7, "symmetric": False}},
    ),
    "channels of k": ("int8", {"quantization.activations": {"format": "int8", "granularity": "channel", "axis": 0}}),
    "asymmetric channels of k": (
        "int8",
        {"quantization.activations": {"format": "int8", "granularity": "channel", "symmetric": False}},
    ),
    "narrower integers": ("int8", {"quantization.weights.format": "int4", "quantization.activations.format": "int5"}),
    "wrapping at 15 bits": ("int8", {"compute.pe.accumulator": {"kind": "integer", "bits": 15, "overflow": "wrap"}}),
    "unsigned activations": (
        "int8",
        {"compute.pe.operands.a": "uint8", "quantization.activations": {"format": "uint8", "symmetric": False}},
    ),
    "asymmetric, sums leave as int16": (
        "int8",
        {"compute.pe.output": {"format": "int16"}, "quantization.activations.symmetric": False},
    ),
    "asymmetric, sums leave as fp32": (
        "int8",
        {
            "compute.pe.output": {"format": "fp32"},
            "quantization.activations.symmetric": False,
            "quantization.requantization": "float",
        },
    ),
    "fixed point": (
        "int8",
        {"compute.pe.operands": {"a": "q4.4", "b": "q3.5"}, "quantization": {"requantization": "float"}},
    ),
    "fp8": ("fp8", {}),
    "fp8 in narrow sums": (
        "fp8",
        {"compute.pe.accumulator": {"format": "e5m6", "rounding": "rz"}, "memories.accumulator.format": "bf16"},
    ),
    "fp8 without scales": ("fp8", {"quantization": {"requantization": "float"}}),
}


@pytest.mark.parametrize("case", CASES)
def test_every_rule_gives_the_golden_networks_bits(case: str) -> None:
    array, changes = CASES[case]
    architecture = Architecture.load(f"systolic_{array}_ws_32x32").override({**SMALL, **changes})
    work = small_network()
    flow = plan(work.operators)
    scaling, b_format = architecture.quantization.activations, architecture.compute.b_format
    scales = calibrate_activations(work, scaling, b_format, flow, 0)
    ours = simulated(architecture, work)
    expected = work.evaluate(GoldenBackend(architecture, flow, scales))
    for name in ours:
        np.testing.assert_array_equal(ours[name], expected[name], err_msg=name)
    assert len(np.unique(ours["classes"])) > 1


# What cannot go on says where ----------------------------------------------------------------------------

Change = dict[str, Any]
OVERFLOWING: Change = {
    "compute.pe.accumulator": {"format": "e4m3", "overflow": "inf"},
    "memories.accumulator.format": "e4m3",
    "memories.accumulator.overflow": None,
    "quantization.requantization": "float",
}


@pytest.mark.parametrize(
    "changes, message",
    [
        (OVERFLOWING, r"^fc: \d+ of 184320 values are NaN, which int8 operands do not have$"),
        (
            {**OVERFLOWING, "compute.pe.output": {"format": "e2m1fn"}},
            r"^conv2: e2m1fn has no NaN, but \d+ of \d+ values are NaN",
        ),
        (
            {"compute.pe.accumulator": {"kind": "integer", "bits": 12, "overflow": "trap"}},
            r"^conv1: \d+ sums overflowed the 12-bit accumulator, which traps",
        ),
    ],
)
def test_numbers_that_stop_a_run_name_the_operator(changes: Change, message: str) -> None:
    architecture = Architecture.load("systolic_int8_ws_32x32").override(changes)
    with pytest.raises(HwsimError, match=message):
        simulate(architecture, Workload.load("digits_cnn"))


def test_calibration_on_nan_names_the_tensor() -> None:
    work = small_network()
    architecture = Architecture.load("systolic_int8_ws_32x32")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Workload, "calibration_data", lambda *_, **__: np.full((2, 4, 4, 4), np.nan))
        with pytest.raises(HwsimError, match=r"^\w+: cannot calibrate a scale on NaN or infinity$"):
            simulated(architecture, work)
