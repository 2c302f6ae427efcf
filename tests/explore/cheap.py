"""Evaluations that cost nothing, importable by workers; the numbers mean nothing, their relations hold."""

import os
import time
from pathlib import Path


def totals(bits: int, wrap: bool) -> dict:
    accuracy = min(0.98, 0.1 + 0.09 * max(0, bits - (13 if wrap else 10)))
    return {
        "cycles": 34_000, "time_s": 34e-6, "energy_j": 1e-6 * (8 + bits / 4), "area_m2": 1e-6 * (1 + bits / 20),
        "power_w": 0.3, "macs": 19_000_000, "utilization": 0.5, "sqnr_db": 3.0 * bits - (10 if wrap else 0),
        "metric": {"name": "accuracy", "value": accuracy, "correct": int(360 * accuracy), "total": 360},
    }  # fmt: skip


def evaluate(architecture: Path, overrides: dict, workload: Path, seed: int) -> dict:
    """Logs each call to the file that CHEAP_LOG names, and takes CHEAP_SECONDS."""
    if log := os.environ.get("CHEAP_LOG"):
        with Path(log).open("a") as file:
            file.write(f"{sorted(overrides.items())}\n")
    time.sleep(float(os.environ.get("CHEAP_SECONDS", "0")))
    return totals(overrides["compute.pe.accumulator.bits"], overrides["compute.pe.accumulator.overflow"] == "wrap")


def accept(files, document) -> None:
    """In place of the check against an architecture."""
