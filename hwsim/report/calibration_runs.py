"""Published totals of whole runs against hwsim's: TPU-v4i's product of AccelForge, ResNet-18 of ZigZag."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hwsim.arch import Architecture
from hwsim.engine import simulate
from hwsim.report.calibration_rows import Row
from hwsim.workload import Workload

PRODUCT = {
    "name": "product",
    "operators": [{"name": "product", "op": "gemm", "m": 1024, "n": 1024, "k": 1024}],
    "numerics": {"compute": False},
}
ZIGZAG = "ZigZag 3.9.1, its run of ResNet-18"


def runs() -> Iterator[Row]:
    """Cycles and energy of what both models count: memories and multiply-accumulates."""
    accelforge = "AccelForge's TPU-v4i"
    found = simulate(Architecture.load("tpu_v4i_like"), Workload.model_validate(PRODUCT))
    yield Row("whole runs", "1024³ on TPU-v4i", "time", "µs", 15.604, 1e6 * found.totals["time_s"], "read", accelforge)
    energy = sum(_counted(row, ("dram", "cmem", "vmem")) for row in found.operators)
    yield Row("whole runs", "1024³ on TPU-v4i", "energy", "mJ", 0.40553, 1e3 * energy, "read", accelforge)
    found = simulate(Architecture.load("zigzag_tpu_like"), Workload.load("resnet18"))
    products = [row for row in found.operators if row["macs"]]
    cycles = sum(row["compute_cycles"] + row["stall_cycles"] for row in products)
    yield Row("whole runs", "ResNet-18 on tpu_like", "cycles", "1", 3_865_041, cycles, "read", ZIGZAG)
    energy = sum(_counted(row, ("dram", "sram", "sums", "weights")) for row in products)
    yield Row("whole runs", "ResNet-18 on tpu_like", "energy", "mJ", 1.87144, 1e3 * energy, "read", ZIGZAG)


def _counted(row: Mapping[str, Any], memories: tuple[str, ...]) -> float:
    """Joules of memories and of the multiply-accumulates, without what the published models leave out."""
    energy = row["energy_j"]
    drawn: float = sum(energy.get(name, 0.0) for name in memories)
    drawn += sum(value for name, value in energy.items() if name.startswith("compute."))
    return drawn
