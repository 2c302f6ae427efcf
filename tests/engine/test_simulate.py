"""Whole networks through whole architectures."""

import json
import math
from functools import cache

import numba
import pytest

import hwsim
from hwsim.arch import Architecture
from hwsim.engine import OPERATOR_KEYS, TOTAL_KEYS, Result, simulate
from hwsim.workload import Workload


@cache
def run(architecture: str, workload: str = "digits_cnn") -> Result:
    return simulate(Architecture.load(architecture), Workload.load(workload))


# The training script's counts are in the workload files: 358 of 360 (CNN), 356 of 360 (ViT).
TRAINED = {"digits_cnn": 358, "digits_vit": 356}


@pytest.mark.parametrize("workload", TRAINED)
def test_fp32_reproduces_the_training_scripts_accuracy_to_the_image(workload: str) -> None:
    metric = run("reference_fp32", workload).totals["metric"]
    assert (metric["correct"], metric["total"]) == (TRAINED[workload], 360)


@pytest.mark.parametrize("workload", TRAINED)
@pytest.mark.parametrize("architecture", ["systolic_int8_ws_32x32", "systolic_fp8_ws_32x32", "tensorcore_fp8"])
def test_eight_bits_stay_within_one_point(architecture: str, workload: str) -> None:
    metric = run(architecture, workload).totals["metric"]
    assert abs(metric["value"] - TRAINED[workload] / 360) <= 0.01


def test_accuracy_collapses_where_the_accumulator_wraps() -> None:
    array, work = Architecture.load("systolic_int8_ws_32x32"), Workload.load("digits_cnn")

    def accuracy(bits: int) -> tuple[float, int]:
        changes = {"compute.pe.accumulator.bits": bits, "compute.pe.accumulator.overflow": "wrap"}
        result = simulate(array.override(changes), work)
        return result.totals["metric"]["value"], sum(row["overflows"] or 0 for row in result.operators)

    wide, none = accuracy(24)
    narrow, many = accuracy(12)
    assert none == 0 and wide == run("systolic_int8_ws_32x32").totals["metric"]["value"]
    assert many > 0 and narrow < 0.5


@pytest.mark.parametrize("architecture", ["systolic_int8_ws_32x32", "tensorcore_fp8"])
def test_every_key_is_there_and_sums_agree(architecture: str) -> None:
    result = run(architecture)
    assert all(tuple(row) == OPERATOR_KEYS for row in result.operators)
    assert tuple(result.totals) == TOTAL_KEYS
    assert result.totals["cycles"] == sum(row["cycles"] for row in result.operators)
    assert result.totals["energy_j"] == pytest.approx(math.fsum(result.energy_j.values()), rel=1e-12)
    assert result.totals["area_m2"] == pytest.approx(math.fsum(result.area_m2.values()), rel=1e-12)
    assert all(value > 0 for value in result.area_m2.values())
    json.dumps(result.to_json(), allow_nan=False)


def test_cycles_never_beat_the_peak_nor_the_unit() -> None:
    for name in ("systolic_int8_ws_32x32", "tensorcore_fp8", "reference_fp32"):
        for row in run(name).operators:
            assert row["cycles"] == row["compute_cycles"] + row["stall_cycles"]
            assert row["utilization"] is None or 0 < row["utilization"] <= 1


def test_a_convolution_reads_pixels_from_dram_and_feeds_windows_to_the_array() -> None:
    rows = {row["name"]: row for row in run("systolic_int8_ws_32x32").operators}
    conv2 = rows["conv2"]["traffic_bytes"]
    images, pixels, channels, filters = 360, 64, 16, 32
    weights, windows = filters * channels * 9, pixels * channels * 9
    compulsory = images * pixels * channels + weights  # bytes of int8
    assert compulsory <= conv2["dram"]["read"] < 2 * compulsory  # the fewest cycles may read something twice
    assert conv2["dram"]["write"] == images * pixels * filters
    assert conv2["buffer"]["read"] >= images * windows


def test_integer_sums_are_exact_and_float_sums_are_not() -> None:
    assert {row["max_ulp"] for row in run("systolic_int8_ws_32x32").operators if row["macs"]} == {0.0}
    assert all(row["max_ulp"] > 0 for row in run("systolic_fp8_ws_32x32").operators if row["macs"])


def test_same_bits_whatever_the_thread_count() -> None:
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = simulate(Architecture.load("tensorcore_fp8"), Workload.load("digits_cnn"))
    finally:
        numba.set_num_threads(before)
    assert alone.operators == run("tensorcore_fp8").operators


def test_drawn_operands_follow_the_seed() -> None:
    array, work = Architecture.load("systolic_int8_ws_32x32"), Workload.load("edge_gemm")
    first, again, other = (simulate(array, work, seed=seed).operators for seed in (1, 1, 2))
    assert first == again
    assert [row["sqnr_db"] for row in first] != [row["sqnr_db"] for row in other]


def test_without_numerics_only_costs_are_there() -> None:
    array, work = Architecture.load("systolic_int8_ws_32x32"), Workload.load("digits_cnn")
    costs = simulate(array, work, numerics=False)
    assert costs.totals["metric"] is None and costs.operators[0]["sqnr_db"] is None
    assert costs.totals["cycles"] == run("systolic_int8_ws_32x32").totals["cycles"]


def test_the_public_face() -> None:
    assert hwsim.simulate is simulate
