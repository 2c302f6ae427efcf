"""Matrix products of shipped datapaths against ``numpy.float32 @`` on the same operands in this run.

python benchmarks/matmul.py [M N K]
"""

from __future__ import annotations

import sys

import numba
import numpy as np
from _timing import best_of

from hwsim.arch import Architecture

ARCHITECTURES = (
    "systolic_int8_ws_32x32",
    "edge_int4",
    "systolic_fp8_ws_32x32",
    "systolic_bf16_os_16x16",
    "tensorcore_fp8",
    "tensorcore_fp16",
    "reference_fp32",
)


def main() -> None:
    """Print one line an architecture: MMAC/s and the ratio to BLAS."""
    m, n, k = (int(word) for word in sys.argv[1:4]) if len(sys.argv) > 3 else (256, 256, 1024)
    generator = np.random.default_rng(0)
    a = generator.standard_normal((m, k)).astype(np.float32)
    b = generator.standard_normal((k, n)).astype(np.float32)
    blas = best_of(lambda: a @ b)
    macs = m * n * k
    print(f"{m}×{n}×{k}, {numba.get_num_threads()} threads; numpy float32: {macs / blas / 1e6:.0f} MMAC/s")
    for name in ARCHITECTURES:
        unit = Architecture.load(name).compute
        scale = 50.0 if unit.a_format.kind == "integer" else 1.0
        codes_a, codes_b = unit.a_format.encode(a * scale), unit.b_format.encode(b * scale)
        seconds = best_of(lambda unit=unit, p=codes_a, q=codes_b: unit.matmul_codes(p, q))
        print(f"{name:>24} {macs / seconds / 1e6:10.0f} MMAC/s  ratio {blas / seconds:.5f}")


if __name__ == "__main__":
    main()
