"""Closed forms of the systolic array against its clock-by-clock simulator, and against SCALE-Sim's counts."""

import csv
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from hwsim.units.base import Gemm
from hwsim.units.systolic import SystolicArray
from hwsim.units.systolic_counts import lay_out
from hwsim.units.systolic_simulator import SystolicSimulator

DATAFLOWS = ("output_stationary", "weight_stationary", "input_stationary")
INT8 = {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 32}}
SCALESIM = Path(__file__).parents[1] / "data" / "scalesim" / "layers.csv"


def array(rows: int, cols: int, dataflow: str) -> SystolicArray:
    return SystolicArray(rows=rows, cols=cols, dataflow=dataflow, pe=INT8)


@pytest.mark.parametrize("dataflow", DATAFLOWS)
@pytest.mark.parametrize(("rows", "cols"), list(product(range(1, 5), repeat=2)))
def test_closed_form_is_the_simulator_on_every_small_shape(dataflow, rows, cols):
    simulator = SystolicSimulator(rows, cols, dataflow, step=lambda acc, a, b: 0)
    unit = array(rows, cols, dataflow)
    for m, n, k in product(range(1, 10), repeat=3):
        counted, gemm = simulator.count(m, n, k), Gemm(m, n, k)
        assert counted.cycles == unit.timing(gemm).total, (m, n, k)
        accesses = unit.accesses(gemm)
        assert counted.accesses == vars(accesses), (m, n, k)
        assert {"mac": counted.macs, **counted.hops, "fold_add": counted.accesses["c_reads"]} == {
            "fold_add": 0,
            **unit.actions(gemm),
        }, (m, n, k)


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_counting_without_values_is_the_same_machine(dataflow):
    for rows, cols, m, n, k in [(1, 1, 1, 1, 1), (2, 3, 5, 4, 7), (3, 2, 4, 7, 8), (4, 4, 9, 5, 6)]:
        simulator = SystolicSimulator(rows, cols, dataflow, step=lambda acc, a, b: acc + a * b)
        real, counted = simulator.run([[1] * k] * m, [[1] * n] * k), simulator.count(m, n, k)
        assert (real.cycles, real.macs, real.accesses, real.hops) == (
            counted.cycles,
            counted.macs,
            counted.accesses,
            counted.hops,
        )
        assert real.result == [[k] * n] * m


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_fill_compute_drain_are_what_the_farthest_element_sees(dataflow):
    for rows, cols in product(range(1, 5), repeat=2):
        for time in (1, 2, 5, 9):
            m, n, k = {
                "output_stationary": (rows, cols, time),
                "weight_stationary": (time, cols, rows),
                "input_stationary": (cols, time, rows),
            }[dataflow]
            run = SystolicSimulator(rows, cols, dataflow, lambda acc, a, b: 0).run([[0] * k] * m, [[0] * n] * k)
            timing = array(rows, cols, dataflow).timing(Gemm(m, n, k))
            assert run.farthest == list(range(timing.fill + 1, timing.fill + timing.compute + 1))
            assert run.cycles - run.farthest[-1] == timing.drain


def scalesim_rows() -> list[dict[str, str]]:
    with SCALESIM.open() as file:
        return list(csv.DictReader(file))


def test_cycles_and_accesses_of_scalesim():
    """SCALE-Sim gives the last cycle's index, no drain for OS, and F·G·(R+C) writes too many for OS."""
    layers = [row for row in scalesim_rows() if row["mode"] == "calc"]
    assert len(layers) > 100
    for row in layers:
        rows, cols = map(int, row["array"].split("x"))
        dataflow = {"os": DATAFLOWS[0], "ws": DATAFLOWS[1], "is": DATAFLOWS[2]}[row["dataflow"]]
        m, n, k = (int(row[name]) for name in "MNK")
        folds = lay_out(dataflow, rows, cols, m, n, k)
        assert (folds.row_folds, folds.column_folds) == (int(row["row_folds"]), int(row["col_folds"]))
        left_out = rows * folds.count if dataflow == "output_stationary" else 0
        unit = array(rows, cols, dataflow)
        assert unit.timing(Gemm(m, n, k)).total == int(row["total_cycles"]) + 1 + left_out, row
        accesses = unit.accesses(Gemm(m, n, k))
        over = (rows + cols) * folds.count if dataflow == "output_stationary" else 0
        assert accesses.a_reads == int(row["sram_ifmap_reads"])
        assert accesses.b_reads == int(row["sram_filter_reads"])
        assert accesses.c_writes == int(row["sram_ofmap_writes"]) - over


def test_the_vision_transformer_layer():
    """SCALE-Sim's 3467 is the index of the last cycle."""
    assert array(128, 128, "weight_stationary").timing(Gemm(196, 192, 384)).total == 3468


def test_utilization_and_repeats():
    unit = array(4, 4, "os")
    gemm = Gemm(4, 4, 100)
    assert unit.timing(gemm).total == 100 + 4 + 4 - 2 + 4
    assert unit.utilization(gemm) == 1600 / (110 * 16)
    repeated = Gemm(4, 4, 100, count=7)
    assert unit.timing(repeated).total == 7 * 110
    assert unit.accesses(repeated).a_reads == 7 * 400
    assert unit.actions(repeated) == {name: 7 * count for name, count in unit.actions(gemm).items()}


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_many_shapes_at_once(dataflow):
    unit = array(3, 5, dataflow)
    m, n, k = np.random.default_rng(1).integers(1, 40, (3, 6, 4))
    counts = unit.count_tiles(m, n, k)
    base = super(SystolicArray, unit).count_tiles(m, n, k)
    for name in ("cycles", "a_reads", "b_reads", "c_reads", "c_writes"):
        assert np.array_equal(getattr(counts, name), getattr(base, name))
