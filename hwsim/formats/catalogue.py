"""The named formats: each one literal, with the document that defines it and the names others give it."""

from __future__ import annotations

from hwsim.formats.float import FloatFormat
from hwsim.formats.integer import IntegerFormat
from hwsim.formats.logarithmic import LogarithmicFormat
from hwsim.formats.names import register
from hwsim.formats.posit import PositFormat
from hwsim.formats.takum import TakumFormat

IEEE = "IEEE 754-2019, section 3.6, table 3.5"
OFP8 = "OCP 8-bit Floating Point Specification (OFP8) 1.0: binary interchange formats E4M3 and E5M2"
MX = "OCP Microscaling Formats (MX) Specification 1.0: element data types FP6 and FP4"
MX_SCALE = "OCP Microscaling Formats (MX) Specification 1.0: scale data type E8M0"
FNUZ = "Noune et al., 8-bit Numerical Formats for Deep Neural Networks, arXiv:2206.02915"
ML_DTYPES = "ml_dtypes (jax-ml), README, section Specifications"
PTX = "NVIDIA PTX ISA, section Alternate Floating-Point Data Formats"
BF16 = "Intel, BFLOAT16 Hardware Numerics Definition, document 338302-001"
TF32 = "NVIDIA A100 Tensor Core GPU Architecture, white paper V1.0, section TF32"
GAUDI = "ml_dtypes README (float8_e4m3, IEEE 754-like); Intel Gaudi 2, maximum 240"
UE5M3 = "assumed: e5m3 with bias 15 without sign, NaN at 0xff (reference table ue5m3_nanff, gfloat)"
P3109 = "IEEE P3109 interim report, section 4: binary8 formats, here the extended one of this precision"
POSIT = "Posit Standard (2022), section 3, with es = 2"
TAKUM = "Hunhold, Beating Posits at Their Own Game: Takum Arithmetic, arXiv:2404.18603, linear significands"
LNS = "Miyashita et al., arXiv:1603.01025; Zhao et al., LNS-Madam, arXiv:2106.13914: 8 bits, base 2**(1/8)"
TWOS_COMPLEMENT = "ISO/IEC 9899:2024, section 6.2.6.2 (two's complement)"

register(FloatFormat("fp64", 11, 53, 1023), IEEE, "float64", "f64", "double")
register(FloatFormat("fp32", 8, 24, 127), IEEE, "float32", "f32", "float")
register(FloatFormat("tf32", 8, 11, 127), TF32, "xf32")
register(FloatFormat("bf16", 8, 8, 127), BF16, "bfloat16")
register(FloatFormat("fp16", 5, 11, 15), IEEE, "float16", "f16", "half")
register(FloatFormat("e4m3fn", 4, 4, 7, specials="fn"), OFP8, "float8_e4m3fn")
register(FloatFormat("e4m3", 4, 4, 7), GAUDI, "float8_e4m3")
register(FloatFormat("e5m2", 5, 3, 15), OFP8, "float8_e5m2")
register(FloatFormat("e3m4", 3, 5, 3), ML_DTYPES, "float8_e3m4")
register(FloatFormat("e4m3fnuz", 4, 4, 8, specials="fnuz"), FNUZ, "float8_e4m3fnuz", "fp8")
register(FloatFormat("e5m2fnuz", 5, 3, 16, specials="fnuz"), FNUZ, "float8_e5m2fnuz", "bf8")
register(FloatFormat("e4m3b11fnuz", 4, 4, 11, specials="fnuz"), ML_DTYPES, "float8_e4m3b11fnuz")
register(FloatFormat("e2m3fn", 2, 4, 1, specials="none"), MX, "float6_e2m3fn")
register(FloatFormat("e3m2fn", 3, 3, 3, specials="none"), MX, "float6_e3m2fn")
register(FloatFormat("e2m1fn", 2, 2, 1, specials="none"), MX, "float4_e2m1fn", "fp4")
register(
    FloatFormat("e8m0fnu", 8, 1, 127, signed=False, specials="fn", zero=False), MX_SCALE, "float8_e8m0fnu", "ue8m0"
)
register(FloatFormat("ue4m3", 4, 4, 7, signed=False, specials="fn"), PTX)
register(FloatFormat("ue5m3", 5, 4, 15, signed=False, specials="fn"), UE5M3)
register(FloatFormat("p3109_k8p3se", 5, 3, 16, specials="p3109"), P3109)
register(FloatFormat("p3109_k8p4se", 4, 4, 8, specials="p3109"), P3109)
register(IntegerFormat("int4", 4), TWOS_COMPLEMENT)
register(IntegerFormat("uint4", 4, signed=False), TWOS_COMPLEMENT)
register(IntegerFormat("int8", 8), TWOS_COMPLEMENT)
register(IntegerFormat("uint8", 8, signed=False), TWOS_COMPLEMENT)
register(IntegerFormat("int16", 16), TWOS_COMPLEMENT)
register(IntegerFormat("int32", 32), TWOS_COMPLEMENT)
register(PositFormat("posit8", 8), POSIT)
register(PositFormat("posit16", 16), POSIT)
register(PositFormat("posit32", 32), POSIT)
register(TakumFormat("takum_linear8", 8), TAKUM)
register(TakumFormat("takum_linear16", 16), TAKUM)
register(LogarithmicFormat("lns8_3", 8, 3), LNS)
