"""Floating-point numbers as bit patterns and back, and rounding to whole numbers, each one instruction."""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import types
from numba.extending import intrinsic

EXPONENT_FIELD = 0x7FF0000000000000


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


def _floor(context, x):
    """The largest whole number at or below a float64, as a float64 (``np.floor`` calls a library, which hinders
    vectorising)."""

    def generate(_context, builder, _signature, arguments):
        function = builder.module.declare_intrinsic("llvm.floor", [ir.DoubleType()])
        return builder.call(function, arguments)

    return types.float64(types.float64), generate


def _rounding32(name, meaning):
    """An intrinsic that rounds a float32 to a whole number."""

    def rounding(context, x):
        def generate(_context, builder, _signature, arguments):
            return builder.call(builder.module.declare_intrinsic(name, [ir.FloatType()]), arguments)

        return types.float32(types.float32), generate

    rounding.__doc__ = meaning
    return intrinsic(rounding)


float_to_bits: Any = intrinsic(_float_to_bits)
bits_to_float: Any = intrinsic(_bits_to_float)
float32_to_bits: Any = intrinsic(_float32_to_bits)
bits_to_float32: Any = intrinsic(_bits_to_float32)
floor: Any = intrinsic(_floor)
floor32: Any = _rounding32("llvm.floor", "The largest whole number at or below a float32.")
nearest32: Any = _rounding32("llvm.rint", "The nearest whole number to a float32, ties to even.")
toward_zero32: Any = _rounding32("llvm.trunc", "A float32 without its fraction.")
