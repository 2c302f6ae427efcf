"""The named block formats: each the choices of one document or library, which its source names."""

from __future__ import annotations

from typing import Any

from hwsim.formats.block_format import BlockFormat, TensorScale
from hwsim.formats.names import register_block, scalar

MX = "OCP Microscaling Formats (MX) Specification 1.0, sections 5 and 6.3; NaN and inf as microxcaling has them"
NARROW = "the elements of INT v.s. FP, arXiv:2510.25602, under the OCP scale rule of MXINT8"
NVFP4 = (
    "NVIDIA, NVFP4 (E2M1 elements, E4M3 scale per 16, FP32 tensor scale); least block scale 2**-6 and the order of "
    "divisions as torchao's nvfp4_quantize has them"
)
INT_FP = "INT v.s. FP, arXiv:2510.25602, with the tensor scale and the product of scales in bf16 as its code has them"
MSFP = (
    "Rouhani et al., Pushing the Limits of Narrow Precision Inferencing at Cloud Scale (MSFP), NeurIPS 2020: sign and "
    "magnitude, 16 values to an exponent"
)
HBFP = (
    "Drumond et al., Training DNNs with Hybrid Block Floating Point, arXiv:1804.01526 (tiles); assumed: tiles of "
    "8 by 8, the shared exponent of MX"
)
DFP = "Courbariaux et al., arXiv:1412.7024, dynamic fixed point: one exponent for a whole tensor"
FLEX = "Das et al., Mixed Precision Training of CNNs using Integer Operations, arXiv:1802.00930: INT16, one exponent"


def _register(name: str, source: str, *aliases: str, **choices: Any) -> None:
    register_block(BlockFormat(name=name, source=source, **choices), *aliases)


_register("mxfp8_e4m3", MX, "mxfp8", element="e4m3fn")
_register("mxfp8_e5m2", MX, element="e5m2")
_register("mxfp6_e2m3", MX, "mxfp6", element="e2m3fn")
_register("mxfp6_e3m2", MX, element="e3m2fn")
_register("mxfp4", MX, "mxfp4_e2m1", element="e2m1fn")
_register("mxint8", MX, element="q2.6")
_register("mxint6", NARROW, element="q2.4")
_register("mxint4", NARROW, element="q2.2")

_NV: dict[str, Any] = {"size": 16, "scale": "e4m3fn", "rule": "divide", "least_scale": 2.0**-6}
_register("nvfp4", NVFP4, element="e2m1fn", tensor_scale=TensorScale(), **_NV)
_register("nvfp4_one_level", NVFP4 + "; without the tensor scale", element="e2m1fn", **_NV)
_register(
    "nvint4", "as nvfp4, with the elements of " + INT_FP, element="int4_symmetric", tensor_scale=TensorScale(), **_NV
)

_SYMMETRIC = "INT v.s. FP, arXiv:2510.25602: scale 2**⌈log2(A / Q)⌉, integers without the most negative one"
_register("mxint8_ceil", _SYMMETRIC, element="int8_symmetric", rule="rceil")
_register("mxfp8_e4m3_ceil", _SYMMETRIC, element="e4m3fn", rule="rceil")
_BF16 = TensorScale(format=scalar("bf16"), product=scalar("bf16"), stored_first=False)
_PAPER: dict[str, Any] = {"size": 16, "scale": "e4m3fn", "rule": "divide", "tensor_scale": _BF16}
_register("nvfp4_bf16", INT_FP, element="e2m1fn", **_PAPER)
_register("nvint4_bf16", INT_FP, element="int4_symmetric", **_PAPER)

_register("msfp16", MSFP, element="q1.7_symmetric", size=16)
_register("msfp12", MSFP, element="q1.3_symmetric", size=16)
_register("bfp8_8x8", HBFP, element="q1.7_symmetric", size=(8, 8))
_register("dfp16", FLEX, element="q1.15", size="tensor")
_register("dfp8", DFP, element="q1.7", size="tensor")
