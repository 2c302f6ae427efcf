"""Encoding and decoding speed as a ratio to a numpy float32 copy of the same array, measured in this run.

python benchmarks/formats.py [log2 of the number of values]
"""

from __future__ import annotations

import sys

import numba
import numpy as np
from _timing import best_of

from hwsim import formats


def main() -> None:
    """Print one line a format: Mvalues/s, and how many copies fit in one encode or decode."""
    values = 2 ** int(sys.argv[1] if len(sys.argv) > 1 else 24)
    numba.set_num_threads(1)
    x = np.random.default_rng(0).standard_normal(values).astype(np.float32)
    copy = best_of(x.copy)
    print(f"{values} float32 values, one thread; copy: {values / copy / 1e6:.0f} Mvalues/s")
    print(f"{'format':>10} {'rounding':>8} {'encode Mv/s':>12} {'ratio':>6} {'decode Mv/s':>12} {'ratio':>6}")
    for name, rounding in [(n, "rne") for n in ("e4m3fn", "e5m2", "e2m1fn", "fp16", "bf16", "int8", "q4.4")] + [
        ("e4m3fn", mode) for mode in ("rna", "rz", "ru", "rd")
    ]:
        fmt = formats.get(name)
        codes = fmt.encode(x, rounding)
        encode = best_of(lambda fmt=fmt, rounding=rounding: fmt.encode(x, rounding))
        decode = best_of(lambda fmt=fmt, codes=codes: fmt.decode(codes))
        print(
            f"{name:>10} {rounding:>8} {values / encode / 1e6:12.0f} {copy / encode:6.3f} "
            f"{values / decode / 1e6:12.0f} {copy / decode:6.3f}"
        )


if __name__ == "__main__":
    main()
