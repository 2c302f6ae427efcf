"""Rounding speed as a ratio to a numpy float32 copy of the same array, measured in this run, on one thread.

python benchmarks/formats.py [log2 of the number of values]

Peers (gfloat, ml_dtypes, pychop, torch) are run beside hwsim where they are installed, on as many values as they
do in reasonable time; their ratios are to a copy of those.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from functools import partial

import numba
import numpy as np
from _timing import best_of

from hwsim import formats
from hwsim.formats.schemes import HadamardRotation

Case = tuple[str, Callable[[], object]]
NARROW = ("e4m3fn", "e5m2", "e2m1fn", "e4m3fnuz", "p3109_k8p4se", "e1m6")
"""8 bits or less."""


def main() -> None:
    """Print Mvalues/s of each case, and how many copies fit in it."""
    values = 2 ** int(sys.argv[1] if len(sys.argv) > 1 else 24)
    numba.set_num_threads(1)
    x = np.random.default_rng(0).standard_normal(values).astype(np.float32)
    copy = best_of(x.copy)
    print(f"{values} float32 values, one thread; copy: {values / copy / 1e6:.0f} Mvalues/s")
    for title, cases in (
        ("to codes", to_codes(x)), ("to values", to_values(x)), ("stochastic", stochastic(x)), ("decode", decode(x)),
        ("blocks", blocks(x)), ("other", other(x)),
    ):  # fmt: skip
        print(f"\n{title:<38} {'Mvalues/s':>10} {'of copy':>8}")
        for name, call in cases:
            seconds = best_of(call)
            again = best_of(x.copy, 2)  # a machine that is shared changes its pace
            print(f"  {name:<36} {values / seconds / 1e6:10.0f} {min(copy, again) / seconds:8.3f}")
    peers(x)


def to_codes(x: np.ndarray) -> Iterator[Case]:
    """Encoding: 8-bit formats in each rounding, wider ones, data full of subnormals, other kinds."""
    for name in (
        "e4m3fn",
        "e5m2",
        "e2m1fn",
        "e4m3fnuz",
        "p3109_k8p4se",
        "e1m6",
        "ue4m3",
        "fp16",
        "bf16",
        "e6m9",
        "int8",
    ):
        yield name, partial(formats.get(name).encode, x)
    for rounding in ("rna", "rz", "ru", "odd"):
        yield f"e4m3fn {rounding}", partial(formats.get("e4m3fn").encode, x, rounding)
    small = x * np.float32(2**-7)
    yield "e4m3fn, mostly subnormals", lambda: formats.get("e4m3fn").encode(small)
    flush, smaller = formats.get("e4m3b7_flush"), x * np.float32(2**-14)
    yield "e4m3b7_flush", lambda: flush.encode(x)
    yield "fp16, mostly subnormals", lambda: formats.get("fp16").encode(smaller)
    for name in ("posit8_0", "posit16_1", "posit32_2", "takum_linear16", "nf4", "lns8_3"):
        yield name, partial(formats.get(name).encode, x)


def to_values(x: np.ndarray) -> Iterator[Case]:
    """Rounding float32 to float32."""
    for name in (*NARROW, "fp16", "bf16", "int8"):
        yield name, partial(formats.get(name).round, x)


def stochastic(x: np.ndarray) -> Iterator[Case]:
    """P3109's three forms and equal probability, bits of a seed."""
    for name in ("e4m3fn", "bf16"):
        for rounding in ("stochastic_a", "stochastic_b", "stochastic_c", "equal_probability"):
            yield f"{name} {rounding}", partial(formats.get(name).encode, x, rounding, seed=1)


def decode(x: np.ndarray) -> Iterator[Case]:
    """Codes to float32 (float64 for posit32)."""
    for name in ("e4m3fn", "e2m1fn", "int8", "p3109_k8p4se", "posit8_0", "fp16", "bf16", "posit16_1", "posit32_2"):
        fmt = formats.get(name)
        yield name, partial(fmt.decode, fmt.encode(x))


def blocks(x: np.ndarray) -> Iterator[Case]:
    """Quantizing rows of 4096 to codes and scales."""
    rows = x.reshape(-1, 4096)
    for name in ("mxfp8_e4m3", "mxfp8_e5m2", "mxfp6_e2m3", "mxfp4", "mxint8", "nvfp4", "nvfp4_one_level", "nvint4"):
        yield name, partial(formats.get(name).quantize, rows)


def other(x: np.ndarray) -> Iterator[Case]:
    """Transforms."""
    rows = x.reshape(-1, 4096)
    yield "Hadamard rotation, blocks of 32", lambda: HadamardRotation(32, seed=0).forward(rows)


def peers(x: np.ndarray) -> None:
    """What is installed, beside hwsim's e4m3fn to codes on the same values."""
    print(f"\n{'e4m3fn by peers':<38} {'Mvalues/s':>10} {'of copy':>8} {'hwsim is':>9}")
    for name, call, most in (
        ("gfloat", _gfloat, 1 << 22), ("ml_dtypes", _ml_dtypes, x.size), ("pychop", _pychop, 1 << 22),
        ("torch", _torch, x.size),
    ):  # fmt: skip
        try:
            importlib.import_module(name)
        except ImportError:
            print(f"  {name:<36} not installed")
            continue
        part = x[:most]
        rounds = call()
        copy, theirs = best_of(part.copy), best_of(lambda part=part, rounds=rounds: rounds(part), 3)
        ours = best_of(lambda part=part: formats.get("e4m3fn").encode(part))
        speed = part.size / theirs / 1e6
        print(f"  {name:<36} {speed:10.1f} {copy / theirs:8.4f} {theirs / ours:8.0f}x")


def _gfloat() -> Callable[[np.ndarray], object]:
    from gfloat import encode_ndarray, round_ndarray
    from gfloat.formats import format_info_ocp_e4m3

    return lambda x: encode_ndarray(format_info_ocp_e4m3, round_ndarray(format_info_ocp_e4m3, x))


def _ml_dtypes() -> Callable[[np.ndarray], object]:
    import ml_dtypes

    return lambda x: x.astype(ml_dtypes.float8_e4m3fn)


def _pychop() -> Callable[[np.ndarray], object]:
    from pychop import Chop

    chop: Callable[[np.ndarray], object] = Chop(exp_bits=4, sig_bits=3, rmode=1)
    return chop


def _torch() -> Callable[[np.ndarray], object]:
    import torch

    torch.set_num_threads(1)
    return lambda x: torch.from_numpy(x).to(torch.float8_e4m3fn)


if __name__ == "__main__":
    main()
