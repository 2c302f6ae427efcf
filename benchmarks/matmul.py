"""Matrix products of datapaths against ``numpy.float32 @`` on the same operands in this run, and against peers.

python benchmarks/matmul.py [M N K]

Each line: multiply-accumulates per second, the ratio to BLAS and the ratio that is asked of it. mmasim and mmaemu are
timed as well where they are installed (their bits compared with ours first), on a part of the product, since they take
minutes for the whole of it.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from _timing import best_of

from hwsim.arch import Architecture
from hwsim.arch.matrix_units import mma
from hwsim.datapath import Datapath

REPEATS = 5

FUSED = {
    "hopper.wgmma e4m3fn": ("hopper.wgmma", {"a": "e4m3fn", "d": "fp32"}, 0.04),
    "ada.mma e5m2": ("ada.mma", {"a": "e5m2", "d": "fp32"}, 0.04),
    "blackwell.tcgen05 e4m3fn": ("blackwell.tcgen05", {"a": "e4m3fn", "d": "fp32"}, 0.04),
    "rtx_blackwell mxf8f6f4": ("rtx_blackwell.mma", {"a": "e4m3fn", "scale": "e8m0fnu"}, 0.04),
    "cdna3.mfma fp8": ("cdna3.mfma", {"a": "e4m3fnuz"}, 0.04),
    "hopper.wgmma fp16": ("hopper.wgmma", {"a": "fp16", "d": "fp32"}, 0.015),
    "hopper.wgmma fp16 -> fp16": ("hopper.wgmma", {"a": "fp16", "d": "fp16"}, 0.015),
    "ampere.mma bf16": ("ampere.mma", {"a": "bf16", "d": "fp32"}, 0.015),
    "volta.mma fp16": ("volta.mma", {"a": "fp16", "d": "fp32"}, 0.015),
    "cdna3.mfma fp16": ("cdna3.mfma", {"a": "fp16"}, 0.015),
    "rtx_blackwell nvfp4": ("rtx_blackwell.mma", {"a": "e2m1fn", "scale": "ue4m3", "scale_block": 16}, 0.003),
    "cdna2.mfma fp16": ("cdna2.mfma", {"a": "fp16"}, 0.003),
    "cdna1.mfma fp16": ("cdna1.mfma", {"a": "fp16"}, 0.003),
    "hopper.mma fp64": ("hopper.mma", {"a": "fp64"}, 0.015),
}
"""Label to matrix unit, its operands and the ratio asked of it."""

HALF = {"a": "fp16", "b": "fp16"}
NEAREST = {"kind": "fused", "lanes": 8, "align_bits": 24, "align": "rne"}
OTHERS: dict[str, tuple[dict[str, Any], float]] = {
    "sequential fp16 + fp16": ({**HALF, "accumulator": "fp16"}, 0.03),
    "sequential fp8 + bf16": ({"a": "e4m3fn", "b": "e4m3fn", "accumulator": "bf16"}, 0.03),
    "sequential fp32 + fp32": ({"a": "fp32", "b": "fp32", "accumulator": "fp32"}, 0.03),
    "int8 to 20 bits, saturating": (
        {"a": "int8", "b": "int8", "accumulator": {"bits": 20, "overflow": "saturate"}}, 0.015,
    ),
    "int8 to 32 bits, wrapping": ({"a": "int8", "b": "int8", "accumulator": {"bits": 32}}, 0.015),
    "lmul e4m3fn (table)": ({"a": "e4m3fn", "b": "e4m3fn", "multiplier": "lmul", "accumulator": "fp32"}, 0.01),
    "tree of 8, fp16": ({**HALF, "reduction": {"kind": "tree", "lanes": 8}, "accumulator": "fp32"}, 0.003),
    "exact (Kulisch)": ({**HALF, "reduction": "exact", "accumulator": "fp32"}, 0.003),
    "fused, rounded to nearest": ({**HALF, "reduction": NEAREST, "accumulator": "fp32"}, 0.003),
}  # fmt: skip
ARCHITECTURES = ("systolic_int8_ws_32x32", "systolic_fp8_ws_32x32", "systolic_bf16_os_16x16", "reference_fp32")


class Table:
    """Lines of one run."""

    def __init__(self, m: int, n: int, k: int) -> None:
        generator = np.random.default_rng(0)
        self.a = generator.standard_normal((m, k)).astype(np.float32)
        self.b = generator.standard_normal((k, n)).astype(np.float32)
        self.macs = m * n * k
        self.blas = best_of(lambda: self.a @ self.b, REPEATS)
        threads = numba.get_num_threads()
        print(f"{m}×{n}×{k}, {threads} threads; numpy float32: {self.macs / self.blas / 1e6:.0f} MMAC/s")

    def line(self, label: str, work: Callable[[], Any], asked: float | None, macs: int | None = None) -> None:
        """Time ``work``, which does ``macs`` multiply-accumulates."""
        share = (macs or self.macs) / self.macs
        work()  # compiled before it is timed
        seconds = best_of(work, REPEATS) / share
        ratio = self.blas / seconds
        wanted = "" if asked is None else f"  asked {asked:.3f}  {'ok' if ratio >= asked else 'MISSED'}"
        print(f"{label:>28} {self.macs / seconds / 1e6:10.0f} MMAC/s  ratio {ratio:.5f}{wanted}", flush=True)

    def codes(self, datapath: Datapath) -> tuple[np.ndarray, np.ndarray]:
        """Operands as codes."""
        scale = 50.0 if datapath.operands.a.kind == "integer" else 1.0
        pair = (datapath.operands.a, self.a), (datapath.operands.b, self.b)
        left, right = (f.encode(x * scale, overflow="saturate") for f, x in pair)
        return left, right


def main() -> None:
    """Print one line a datapath."""
    m, n, k = (int(word) for word in sys.argv[1:4]) if len(sys.argv) > 3 else (512, 512, 4096)
    table = Table(m, n, k)
    for label, (name, arguments, asked) in FUSED.items():
        datapath = mma(name, **arguments).datapath
        codes = table.codes(datapath)
        table.line(label, lambda d=datapath, c=codes: d.matmul_codes(*c), asked)
    for label, (fields, asked) in OTHERS.items():
        rest = {key: value for key, value in fields.items() if key not in ("a", "b")}
        datapath = Datapath.model_validate({"operands": {"a": fields["a"], "b": fields["b"]}, **rest})
        codes = table.codes(datapath)
        table.line(label, lambda d=datapath, c=codes: d.matmul_codes(*c), asked)
    for name in ARCHITECTURES:
        unit = Architecture.load(name).compute
        scale = 50.0 if unit.a_format.kind == "integer" else 1.0
        codes = unit.a_format.encode(table.a * scale), unit.b_format.encode(table.b * scale)
        table.line(name, lambda u=unit, c=codes: u.matmul_codes(*c), None)
    peers(table)


def peers(table: Table) -> None:
    """Other emulators of the same units on part of the product, whose bits must be ours."""
    for name, compare in (("mmasim", _mmasim), ("mmaemu", _mmaemu)):
        if importlib.util.find_spec(name) is None:
            print(f"{name} is not installed (pip install {name})")
        else:
            compare(table)


def _mmasim(table: Table) -> None:
    """One instruction of Hopper's fp16 unit: 16 × 8 outputs of 16 products."""
    import torch
    from mmasim.nv_ptx import MMA

    simulated, ours = MMA("Hopper", "m16n8k16.f32.f16.f16.f32"), mma("hopper.mma", a="fp16", d="fp32")
    a, b = table.a[:16, :16].astype(np.float16), table.b[:16, :8].astype(np.float16)
    tensors = torch.from_numpy(a), torch.from_numpy(b.copy()), torch.zeros((16, 8))
    theirs = simulated(*tensors).numpy().view(np.uint32)
    assert np.array_equal(ours.matmul_bits(a.view(np.uint16), b.view(np.uint16)), theirs)
    table.line("mmasim Hopper fp16", lambda: simulated(*tensors), None, a.shape[0] * b.shape[1] * b.shape[0])


def _mmaemu(table: Table) -> None:
    """A chain of Hopper's FP8 instructions over 512 of K for 128 × 128 outputs, by its reference backend."""
    import torch
    from mmaemu import accumulate

    m, n, k = 128, 128, 512
    ours = mma("hopper.wgmma", a="e4m3fn", d="fp32")
    a, b = (ours.datapath.operands.a.encode(x) for x in (table.a[:m, :k], table.b[:k, :n]))
    pair = [torch.from_numpy(np.ascontiguousarray(x)).view(torch.float8_e4m3fn) for x in (a, b.T)]
    settings = {"use_fast_accum": True, "profile": "hopper", "splitk": 1, "backend": "reference"}
    theirs = accumulate(*pair, **settings).numpy().view(np.uint32)
    assert np.array_equal(ours.matmul_bits(a, b), theirs)
    table.line("mmaemu Hopper e4m3fn", lambda: accumulate(*pair, **settings), None, m * n * k)


if __name__ == "__main__":
    main()
