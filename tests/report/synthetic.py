"""Made-up runs for looking at and testing reports; the numbers mean nothing, their relations hold."""

import random

from hwsim.engine.result import Result

LAYERS = [
    ("conv1", "conv2d", 9216 * 64),
    ("conv2", "conv2d", 294_912 * 64),
    ("pool", "max_pool2d", 0),
    ("fc", "linear", 640 * 64),
]
COMPONENTS = (
    "multiplier",
    "adder",
    "accumulator",
    "pe registers",
    "control",
    "sram buffer",
    "sram accumulator",
    "dram",
    "vector",
)

SOURCES = [
    ("8-bit integer multiply, 7 nm", 7e-14, "J", "Jouppi et al. 2021, table 2", "read"),
    ("register, per bit", 1.2e-15, "J", "scaled <from> 45 nm & fitted", "fitted, residual 8 %"),
    ("L2 bandwidth", 5.5e12, "B/s", "no public figure", "assumed"),
]


def make_operator(name: str, op: str, macs: int, luck: random.Random, scale: float) -> dict:
    compute = max(1, int(macs / 900)) + luck.randrange(100, 900)
    stall = luck.randrange(0, compute // 2)
    shares = {part: luck.random() * scale * (macs + 5000) * 1e-13 for part in COMPONENTS}
    return {
        "name": name, "op": op, "unit": "systolic" if macs else "vector", "macs": macs, "cycles": compute + stall,
        "compute_cycles": compute, "stall_cycles": stall,
        "utilization": macs / (compute + stall) / 1024 if macs else None,
        "bound": luck.choice(["compute", "dram", "fill"]),
        "traffic_bytes": {"dram": {"read": luck.randrange(10**4, 10**6), "write": 4096},
                          "buffer": {"read": 10**6, "write": 10**5}},
        "energy_j": shares, "sqnr_db": luck.uniform(18, 42) if macs else None,
        "max_ulp": luck.randrange(1, 90) if macs else None,
        "rel_l2": luck.random() / 50 if macs else None, "overflows": 0 if macs else None,
        "saturations": luck.randrange(0, 20_000) if macs else None,
    }  # fmt: skip


def make_result(
    name: str = "systolic-int8-ws-32x32", seed: int = 0, layers=LAYERS, scale: float = 1.0, metric: bool = True
) -> Result:
    luck = random.Random(f"{name}{seed}")
    operators = [make_operator(*layer, luck, scale) for layer in layers]
    energy = {part: sum(row["energy_j"][part] for row in operators) for part in COMPONENTS}
    areas = {part: luck.random() * scale * 3e-7 for part in COMPONENTS if part != "dram"}
    cycles, macs = sum(row["cycles"] for row in operators), sum(row["macs"] for row in operators)
    correct = 353 - luck.randrange(0, 5)
    totals = {
        "cycles": cycles, "time_s": cycles / 1e9, "energy_j": sum(energy.values()), "area_m2": sum(areas.values()),
        "power_w": sum(energy.values()) / (cycles / 1e9), "macs": macs, "utilization": macs / cycles / 1024,
        "sqnr_db": operators[-1]["sqnr_db"],
        "metric": {"name": "accuracy", "value": correct / 360, "correct": correct, "total": 360, "reference": 353 / 360}
        if metric else None,
    }  # fmt: skip
    return Result(
        architecture=name, workload="digits-cnn", seed=seed,
        versions={"hwsim": "0.1.0", "numpy": "2.4.6", "python": "3.11"},
        operators=operators, totals=totals, area_m2=areas, energy_j=energy,
        roofline={"peak_macs_per_s": 1024e9 * scale, "bandwidth_bytes_per_s": {"dram": 256e9, "buffer": 512e9}},
        sources=[dict(zip(("what", "value", "unit", "source", "status"), row, strict=True)) for row in SOURCES],
        inputs={
            "arch.yaml": f"name: {name}\n# a comment with <b>markup</b> & https://example.org\n",
            "workload.yaml": "name: digits-cnn\n",
        },
    )  # fmt: skip


def make_results() -> list[Result]:
    return [
        make_result("systolic-int8-ws-32x32"),
        make_result("systolic-fp8-ws-32x32", 1, scale=1.4),
        make_result("tensorcore-fp8", 2, scale=6.0),
    ]


def make_long_result() -> Result:
    parts = ("query", "key", "out_projection")
    layers = [(f"encoder.blocks.{b}.attention.{part}", "gemm", 10**9 * (b + 1)) for b in range(12) for part in parts]
    return make_result("tensorcore-with-a-rather-long-name-and-more", 3, layers)
