"""Recorded blocks of microxcaling, torchao and INT v.s. FP's code agree (see tests/data/formats/ATTRIBUTION.md)."""

from pathlib import Path

import numpy as np
import pytest

from hwsim.formats import BlockFormat, get

DATA = Path(__file__).parent.parent / "data" / "formats"
MX = np.load(DATA / "mx_vectors.npz", allow_pickle=False)
NVFP4 = np.load(DATA / "nvfp4_vectors.npz", allow_pickle=False)

ELEMENTS = {
    "fp8_e4m3": "mxfp8_e4m3", "fp8_e5m2": "mxfp8_e5m2", "fp6_e3m2": "mxfp6_e3m2", "fp6_e2m3": "mxfp6_e2m3",
    "fp4_e2m1": "mxfp4", "int8": "mxint8",
}  # fmt: skip
"""Microxcaling's names of elements, and the shipped format of each."""
ROUNDINGS = {"even": "rne", "nearest": "rna", "floor": "rz"}


@pytest.mark.parametrize("name", ELEMENTS)
def test_microxcaling(name):
    """An infinity makes the whole block NaN; its roundings to nearest are ties away, its ``floor`` goes toward zero."""
    fmt = get(ELEMENTS[name])
    quantized = fmt.quantize(MX["in"])
    exponents = np.where(quantized.scales == 255, np.nan, quantized.scales.astype(np.float32) - 127)
    np.testing.assert_array_equal(exponents.reshape(-1), MX[f"{name}.shared_exp"])
    for theirs, ours in ROUNDINGS.items():
        dequantized = fmt.quantize(MX["in"], rounding=ours).dequantize(np.float32)
        np.testing.assert_array_equal(dequantized, MX[f"{name}.{theirs}"])


@pytest.mark.parametrize("rule", ["floor", "rceil", "ceil", "even"])
@pytest.mark.parametrize("name", ["fp8_e4m3", "fp8_e5m2", "fp4_e2m1"])
def test_torchao_mx(name, rule):
    """An infinity counts as 2**128 for the scale and saturates."""
    fmt = get(ELEMENTS[name]).model_copy(update={"rule": rule, "nonfinite": "saturate"})
    quantized = fmt.quantize(MX["in"])
    np.testing.assert_array_equal(quantized.scales.reshape(-1), MX[f"torchao.{name}.{rule}.scale"])
    np.testing.assert_array_equal(quantized.codes, MX[f"torchao.{name}.{rule}.codes"])


@pytest.mark.parametrize(("level", "name"), [("one_level", "nvfp4_one_level"), ("two_level", "nvfp4")])
def test_torchao_nvfp4(level, name):
    quantized = get(name).quantize(NVFP4["t0.in"])
    np.testing.assert_array_equal(quantized.scales, NVFP4[f"t0.torchao.{level}.scale_e4m3"])
    np.testing.assert_array_equal(quantized.codes, NVFP4[f"t0.torchao.{level}.codes_e2m1"])
    np.testing.assert_array_equal(quantized.dequantize(), NVFP4[f"t0.torchao.{level}.dequant_f64"])
    if level == "two_level":
        assert quantized.tensor_scale == NVFP4["t0.torchao.two_level.tensor_scale_f32"]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("nvfp4", "nvfp4_bf16"), ("nvint4", "nvint4_bf16"),
        ("mxint8_ceil", "mxint8_ceil"), ("mxfp8_e4m3_ceil", "mxfp8_e4m3_ceil"),
    ],
)  # fmt: skip
def test_code_of_int_versus_fp(theirs, ours):
    """Its NVFP4 keeps the tensor scale, and the product of both scales, in bf16."""
    np.testing.assert_array_equal(
        get(ours).quantize(NVFP4["t0.in"]).dequantize(np.float32), NVFP4[f"t0.int_vs_fp.{theirs}"]
    )


def test_every_array_is_compared():
    assert len(MX.files) == 2 + 4 * len(ELEMENTS) + 2 * 12 and len(NVFP4.files) == 12
    assert isinstance(get("mxfp4"), BlockFormat)
