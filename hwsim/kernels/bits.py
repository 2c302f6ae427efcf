"""Floating-point numbers as bit patterns and back, and rounding to whole numbers, each one instruction."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import njit
from numba.core import types
from numba.extending import intrinsic

EXPONENT_FIELD = 0x7FF0000000000000
ONE_FIELD = 1023 << 52
"""The bits of 1.0: twice these less the bits of a power of two are those of its reciprocal."""


def _float_to_bits(context, x):
    """The bit pattern of a float64 as int64."""

    def generate(_context, builder, _signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(64))

    return types.int64(types.float64), generate


def _bits_to_float(context, x):
    """The float64 of an int64 bit pattern."""

    def generate(_context, builder, _signature, arguments):
        return builder.bitcast(arguments[0], ir.DoubleType())

    return types.float64(types.int64), generate


def _float32_to_bits(context, x):
    """The bit pattern of a float32 as int32."""

    def generate(_context, builder, _signature, arguments):
        return builder.bitcast(arguments[0], ir.IntType(32))

    return types.int32(types.float32), generate


def _bits_to_float32(context, x):
    """The float32 of an int32 bit pattern."""

    def generate(_context, builder, _signature, arguments):
        return builder.bitcast(arguments[0], ir.FloatType())

    return types.float32(types.int32), generate


def _whole(name, llvm_type, numba_type, meaning):
    """An intrinsic that rounds to a whole number (numpy's call a library, which hinders vectorising)."""

    def rounding(context, x):
        def generate(_context, builder, _signature, arguments):
            return builder.call(builder.module.declare_intrinsic(name, [llvm_type]), arguments)

        return numba_type(numba_type), generate

    rounding.__doc__ = meaning
    return intrinsic(rounding)


float_to_bits: Any = intrinsic(_float_to_bits)
bits_to_float: Any = intrinsic(_bits_to_float)
float32_to_bits: Any = intrinsic(_float32_to_bits)
bits_to_float32: Any = intrinsic(_bits_to_float32)
floor: Any = _whole("llvm.floor", ir.DoubleType(), types.float64, "The largest whole number at or below.")
nearest: Any = _whole("llvm.rint", ir.DoubleType(), types.float64, "The nearest whole number, ties to even.")
toward_zero: Any = _whole("llvm.trunc", ir.DoubleType(), types.float64, "The number without its fraction.")
floor32: Any = _whole("llvm.floor", ir.FloatType(), types.float32, "The largest whole number at or below.")
nearest32: Any = _whole("llvm.rint", ir.FloatType(), types.float32, "The nearest whole number, ties to even.")
toward_zero32: Any = _whole("llvm.trunc", ir.FloatType(), types.float32, "The number without its fraction.")


@njit(cache=True, inline="always")
def binade(x):
    """The power of two of a float64's exponent, 0 for 0."""
    return bits_to_float(float_to_bits(x) & EXPONENT_FIELD)
