"""Varied paths are checked against the architecture before anything runs, at the study's own line."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import cheap

from hwsim.base.errors import InputError
from hwsim.base.shipped import shipped
from hwsim.explore import load_study, run_study

STUDY = """\
name: s
architecture: systolic_int8_ws_32x32
workloads: [digits_cnn]
vary:
  compute.pe.accumulator.bits: {from: 20, to: 22}
  compute.pe.accumulator.overflow: [wrap, saturate]
objectives: {energy: min}
"""


def write(tmp_path: Path, old: str = "", new: str = "") -> Path:
    path = tmp_path / "s.yaml"
    path.write_text(STUDY.replace(old, new))
    return path


def run(path: Path, calls: list):
    def evaluate(architecture, overrides, workload, seed):
        calls.append(overrides)
        return cheap.evaluate(architecture, overrides, workload, seed)

    return run_study(path, path.parent / "out", workers=1, evaluate=evaluate)


def test_valid_designs_are_all_evaluated(tmp_path):
    calls: list = []
    result = run(write(tmp_path), calls)
    assert len(calls) == len(result.points) == 6
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s.yaml"]


@pytest.mark.parametrize(
    ("old", "new", "place", "remedy"),
    [
        ("accumulator.bits", "accumulator.bitz", "s.yaml:5:", "bits"),
        ("accumulator.overflow", "accumulator.overflows", "s.yaml:6:", "overflow"),
        ("compute.pe.accumulator.bits", "compute.pi.accumulator.bits", "s.yaml:5:", "pe"),
        ("[wrap, saturate]", "[wrap, saturat]", "s.yaml:6:", "saturate"),
        ("{from: 20, to: 22}", "[24, wide]", "s.yaml:5:", "wide"),
        ("{from: 20, to: 22}", "{from: 62, to: 70}", "s.yaml:5:", "64"),
    ],
)
def test_bad_paths_and_levels_are_refused_before_any_work(tmp_path, old, new, place, remedy):
    path, calls = write(tmp_path, old, new), []
    with pytest.raises(InputError) as caught:
        run(path, calls)
    line = str(caught.value)
    assert line.startswith(str(tmp_path / place))
    assert remedy in line
    assert "\n" not in line
    assert calls == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.yaml"]


@pytest.mark.parametrize("name", ["accumulator_width", "systolic_shape"])
def test_shipped_studies_are_valid(name):
    from hwsim.explore.evaluate import check_designs

    files, document = load_study(shipped("studies")[name])
    check_designs(files, document)
    assert len(files.study.designs()) in (30, 75)


def test_one_real_design_through_the_simulator(tmp_path):
    path = tmp_path / "s.yaml"
    (tmp_path / "w.yaml").write_text(
        "name: w\noperators:\n"
        "  - {name: g, op: gemm, m: 64, n: 64, k: 64, a: {distribution: normal}, b: {distribution: normal}}\n"
    )
    path.write_text(
        "name: s\narchitecture: systolic_int8_ws_32x32\nworkloads: [w.yaml]\n"
        "vary: {compute.rows: [16, 32]}\nobjectives: {cycles: min, area: min}\n"
    )
    result = run_study(path, tmp_path / "out", workers=1)
    assert [point.status for point in result.points] == ["ok", "ok"]
    assert result.points[0].metrics["area"] < result.points[1].metrics["area"]
    assert result.points[0].metrics["cycles"] > result.points[1].metrics["cycles"]
