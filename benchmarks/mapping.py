"""Mapping and sweeps: milliseconds a network, evaluations a second; beside SCALE-Sim see ``benchmarks/systolic.py``.

Prints rates of one run on this machine: the systolic closed form (``hwsim.kernels.systolic_closed_form``), the full
model of a sweep (one thread), the search for the best mappings of ResNet-18 on two chips, and a product on a chip
like TPU v4i. Compilation is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from hwsim.arch import Architecture
from hwsim.engine.cost import CostModel
from hwsim.engine.plan import plan
from hwsim.engine.sweep import sweep
from hwsim.workload import Workload


def seconds(work: Callable[[], object]) -> float:
    """Of the second call: the first one compiles."""
    work()
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def network(name: str, workload: Workload) -> Callable[[], object]:
    architecture, flow = Architecture.load(name), plan(workload.operators)
    steps = workload.placed_steps()
    return lambda: CostModel(architecture, flow).map_all(steps)


def main() -> None:
    resnet = Workload.load("resnet18")
    for name in ("systolic_int8_ws_32x32", "zigzag_tpu_like", "tpu_v4i_like", "tensorcore_fp8"):
        print(f"best mappings of resnet18 on {name}: {1e3 * seconds(network(name, resnet)):.0f} ms")
    product = Workload.model_validate(
        {"name": "product", "operators": [{"name": "p", "op": "gemm", "m": 1024, "n": 1024, "k": 1024},
                                          {"name": "q", "op": "gemm", "m": 1024, "n": 1024, "k": 1023}]}
    )  # fmt: skip
    print(f"two products of 1024 on tpu_v4i_like: {1e3 * seconds(network('tpu_v4i_like', product)):.0f} ms")
    for designs in (500, 5000, 50000):
        swept(resnet, designs)
    for name in ("decoder_layer", "mobilenet_v1"):
        swept(Workload.load(name), 5000)


def swept(workload: Workload, designs: int) -> None:
    """A sweep of so many designs of the INT8 array."""
    vary = {
        "compute.rows": [8, 16, 24, 32, 48, 64, 96, 128, 192, 256],
        "memories.buffer.capacity": [f"{64 * size} KiB" for size in range(1, 51)],
        "memories.accumulator.capacity": [f"{16 * size} KiB" for size in range(1, designs // 500 + 1)],
    }
    found = {}
    array = Architecture.load("systolic_int8_ws_32x32")
    taken = seconds(lambda: found.update(one=sweep(array, workload, vary)))
    pairs = found["one"].cycles.size
    layers, name = pairs // designs, workload.name
    print(f"sweep of {designs} designs x {layers} layers of {name}: {pairs / taken:,.0f} evaluations/s, all threads")


if __name__ == "__main__":
    main()
