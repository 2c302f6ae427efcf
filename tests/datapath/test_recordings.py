"""Matrix units recorded on real GPUs, reproduced bit for bit by fused reductions.

Parameters: MMA-Sim (arXiv:2511.10909), tables of NVIDIA's units. Recordings: tests/data/ATTRIBUTION.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwsim.datapath import Datapath
from hwsim.formats import get

DATA = Path(__file__).parents[1] / "data" / "mma"

# Lanes, fraction bits kept, exponent of zeros for FP32 results (FP16 results: 112 higher).
BLOCKS = {
    "v100": {"fp16": (4, 23, -131)},
    "a100": {"fp16": (8, 24, -132), "bf16": (8, 24, -132), "tf32": (4, 24, -132)},
    "ada": {
        "fp16": (8, 24, -132),
        "bf16": (8, 24, -132),
        "tf32": (4, 24, -132),
        "e4m3": (16, 13, -132),
        "e5m2": (16, 13, -132),
    },
    "h100": {
        "fp16": (16, 25, -133),
        "bf16": (16, 25, -133),
        "tf32": (4, 25, -133),
        "e4m3": (32, 13, -133),
        "e5m2": (32, 13, -133),
    },
    "b200": {"fp16": (16, 25, -133), "bf16": (16, 25, -133), "tf32": (4, 25, -133)},
}
FORMAT = {"e4m3": "e4m3fn"}


def unit(a: str, b: str, block: tuple[int, int, int], result: str) -> Datapath:
    lanes, kept, zero = block
    accumulator = {"format": "fp16", "rounding": "rne"}
    if result == "fp32":
        accumulator = {"format": "e8m13" if kept == 13 else "fp32", "rounding": "rz"}
    return Datapath.model_validate(
        {
            "operands": {"a": FORMAT.get(a, a), "b": FORMAT.get(b, b), "c": result},
            "reduction": {
                "kind": "fused",
                "lanes": lanes,
                "align_bits": kept,
                "align": "truncate",
                "zero_exponent": zero if result == "fp32" else zero + 112,
            },
            "accumulator": accumulator,
            "output": {"format": result},
        }
    )


def assert_same(codes: np.ndarray, recorded: np.ndarray, result: str) -> None:
    """Bit for bit; NaN by class."""
    nan = np.isnan(get(result).decode(recorded))
    assert np.array_equal(np.isnan(get(result).decode(codes)), nan)
    assert np.array_equal(codes[~nan], recorded[~nan])


def recorded(name: str) -> Any:
    return np.load(DATA / f"{name}.npz", allow_pickle=False)


CASES = [
    (gpu, operand, result)
    for gpu, blocks in BLOCKS.items()
    for operand in blocks
    for result in ("fp32", "fp16")
    # FP8 with FP16 results on Hopper comes from another instruction: test_legacy_fp8.
    if not (gpu == "h100" and operand in ("e4m3", "e5m2") and result == "fp16")
    and not (operand in ("bf16", "tf32") and result == "fp16")
]


@pytest.mark.parametrize(("gpu", "operand", "result"), CASES)
def test_one_block(gpu: str, operand: str, result: str) -> None:
    data = recorded(f"hw_{gpu}_{operand}")
    a, b = data["a"], data["b"]
    if operand == "tf32":  # the unit drops the low 13 bits of an fp32 word
        a, b = a >> 13, b >> 13
    c = data["c" if result == "fp32" else "c_fp16"]
    if result == "fp32" and "c_used_fp32" in data:
        c = data["c_used_fp32"]
    codes = unit(operand, operand, BLOCKS[gpu][operand], result).dot_codes(a, b, c).codes
    assert len(codes) == 500
    assert_same(codes, data[f"d_{result}"], result)


@pytest.mark.parametrize("operand", ["e4m3", "e5m2"])
@pytest.mark.parametrize(("gpu", "result"), [("h100", "fp16"), ("b200", "fp16"), ("b200", "fp32")])
def test_legacy_fp8(gpu: str, operand: str, result: str) -> None:
    """mma.sync FP8 on Hopper and Blackwell runs as two chained fp16 blocks of permuted k; c is added last."""
    data = recorded(f"hw_{gpu}_{operand}")
    order = [k for k in range(32) if k % 4 < 2] + [k for k in range(32) if k % 4 >= 2]
    fp8, fp16 = get(FORMAT.get(operand, operand)), get("fp16")
    a, b = (fp16.encode(fp8.decode(data[name]))[:, order] for name in ("a", "b"))
    chain = unit("fp16", "fp16", (16, 25, -133), result)
    datapath = chain.with_chunks(32, result)
    codes = datapath.dot_codes(a, b, data["c" if result == "fp32" else "c_fp16"]).codes
    assert_same(codes, data[f"d_{result}"], result)


@pytest.mark.parametrize(
    "name", ["e4m3_e4m3_k16_tile", "e4m3_e5m2_k16_tile", "e4m3_e4m3_k32_vector", "e4m3_e4m3_k256_tile"]
)
def test_specials_and_chains(name: str) -> None:
    """An RTX 4060 with zeros, subnormals, NaN, heavy cancellation and chains of 8 instructions."""
    data = recorded(f"hw_rtx4060_mma_{name}")
    meta = json.loads(str(data["meta"]))
    datapath = unit(meta["fmt_a"], meta["fmt_b"], BLOCKS["ada"]["e4m3"], "fp32")
    if meta["layout"] == "vector":
        codes = datapath.dot_codes(data["a"], data["b"], data["c"]).codes
    else:  # b is stored [tile, N, K]
        tiles = zip(data["a"], data["b"], data["c"], strict=True)
        codes = np.stack([datapath.matmul_codes(a, b.T, c).codes for a, b, c in tiles])
    assert np.array_equal(codes, data["d"])
