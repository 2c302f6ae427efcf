"""ZigZag 3.9.1's run of ResNet-18 on its tpu_like accelerator: layers as products, its nests as fixed mappings."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from hwsim.units.base import Gemm, Window

FOLDER = Path(__file__).parents[1] / "data" / "zigzag"
MEMORIES = {"rf_128B": "weights", "rf_2B": "sums", "sram_2MB": "sram", "dram": "dram"}
OPERANDS = {"W": "weight", "I": "input", "O": "output"}
STRIDED = ("layer2.0/conv1", "layer3.0/conv1", "layer4.0/conv1", "downsample")
CLASS = {"OX": "m", "OY": "m", "B": "m", "K": "n", "C": "k", "FX": "k", "FY": "k"}


def product(row: dict[str, str]) -> tuple[Gemm, Window | None]:
    """A layer as hwsim maps it."""
    sizes = {key: int(row[key]) for key in ("OX", "OY", "C", "FX", "FY", "K")}
    gemm = Gemm(sizes["OX"] * sizes["OY"], sizes["K"], sizes["C"] * sizes["FX"] * sizes["FY"])
    layer = row["layer"].strip("/")
    if layer.startswith("fc"):
        return gemm, None
    stride = 2 if layer == "conv1/Conv" or any(name in layer for name in STRIDED) else 1
    size = (stride * sizes["OY"], stride * sizes["OX"])
    return gemm, Window(1, (sizes["OY"], sizes["OX"]), sizes["C"], (sizes["FY"], sizes["FX"]), size, (stride, stride))


def listed(row: dict[str, str]) -> dict[str, Any] | None:
    """The listed loops as fixed stages; None where the innermost are no run of filter columns, rows, channels."""
    inner, middle, outer = (
        [(loop.split("=")[0], int(loop.split("=")[1])) for loop in part.split()]
        for part in row["temporal_O_inner_to_outer"].split("|")
    )
    if outer or {"FX", "FY"} & {loop for loop, _ in middle}:
        return None
    steps = 1
    for _, factor in inner:
        steps *= factor
    order = list(dict.fromkeys(CLASS[loop] for loop, _ in reversed(middle)))
    order += [side for side in "mnk" if side not in order]
    gemm, _ = product(row)
    whole = {"m": gemm.m, "n": -(-gemm.n // 32), "k": steps, "order": "mnk"}
    return {"stages": [whole, {"m": 1, "n": 1, "k": steps, "order": "".join(order)}]}


def layers() -> dict[str, dict[str, str]]:
    """Rows of the run by layer."""
    with (FOLDER / "resnet18_tpu_like_latency.csv").open(encoding="utf-8") as lines:
        return {row["layer"].strip("/"): row for row in csv.DictReader(lines)}


def ports() -> list[dict[str, str]]:
    """Ports of the accelerator's memories."""
    with (FOLDER / "tpu_like_params.csv").open(encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def listed_accesses(row: dict[str, str]) -> dict[tuple[str, str, str], int]:
    """(memory, operand, "read" or "write") to accesses of a port's full width."""
    found: dict[tuple[str, str, str], int] = {}
    for column, count in row.items():
        operand, _, rest = column.partition("_")
        memory = next((name for name in MEMORIES if rest.startswith(f"{name}_")), None)
        if operand in OPERANDS and memory is not None and count:
            key = MEMORIES[memory], OPERANDS[operand], "read" if "rd_out" in rest else "write"
            found[key] = found.get(key, 0) + int(float(count))
    return found
