"""Studies that run: judged, resumed after a kill, repeated to the byte, and refused when something changed."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import cheap

from hwsim.base.errors import HwsimError, InputError
from hwsim.explore import run_study
from hwsim.explore.metrics import combined, read_metrics
from hwsim.report import explore_study, study_table

STUDY = """\
name: widths
question: How wide?
architecture: a.yaml
workloads: [w.yaml]
vary:
  compute.pe.accumulator.bits: {from: 10, to: 21}
  compute.pe.accumulator.overflow: [wrap, saturate]
constraints: [area <= 2 mm2]
objectives: {accuracy: max, energy: min}
"""
DESIGNS = 24


@pytest.fixture
def study(tmp_path) -> Path:
    (tmp_path / "a.yaml").write_text("name: a\n")
    (tmp_path / "w.yaml").write_text("name: w\ntensors: w.bin\n")
    (tmp_path / "w.bin").write_bytes(b"weights")
    (tmp_path / "s.yaml").write_text(STUDY)
    return tmp_path / "s.yaml"


@pytest.fixture(autouse=True)
def figures_only_where_they_matter(request, monkeypatch):
    """Drawing takes a second, evaluating nothing."""
    if "any_number_of_workers" not in request.node.name:
        monkeypatch.setattr("hwsim.report.figures.study.study_figures", lambda result: {})


def run(study: Path, **options):
    given = {"workers": 1, "evaluate": cheap.evaluate, "check": cheap.accept, "shown": False, **options}
    return explore_study(study, study.parent / "out", **given)


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_points_are_judged(study):
    result = run(study)
    assert [point.index for point in result.points] == list(range(DESIGNS))
    for point in result.points:
        bits = point.values["compute.pe.accumulator.bits"]
        assert (
            point.status
            == ("excluded" if point.metrics["area"] > 2e-6 else "ok")
            == ("excluded" if bits > 20 else "ok")
        )
        assert point.reason == ("breaks area <= 2 mm2" if bits > 20 else "")
    good = [point for point in result.points if point.status == "ok"]
    for point in result.points:
        beaten = any(
            other.metrics["accuracy"] >= point.metrics["accuracy"]
            and other.metrics["energy"] <= point.metrics["energy"]
            and (other.metrics["accuracy"], other.metrics["energy"])
            != (point.metrics["accuracy"], point.metrics["energy"])
            for other in good
        )
        assert point.front == (point.status == "ok" and not beaten)
    assert "widths" in study_table(result)
    assert all(len(line) <= 80 for line in study_table(result, 80).splitlines())


def test_same_bytes_with_any_number_of_workers_and_no_journal_left(study):
    run(study)
    first = content(study.parent / "out")
    assert {"points.csv", "pareto.csv", "study.yaml", "summary.json", "pareto.png", "report.html"} <= first.keys()
    run(study, workers=2)
    assert content(study.parent / "out") == first
    assert not (study.parent / "out.partial").exists()
    assert len(first["points.csv"].splitlines()) == DESIGNS + 1


RESUME = """
import sys
sys.path.insert(0, {here!r})
import cheap
from hwsim.explore import run_study
if __name__ == "__main__":
    run_study({study!r}, {out!r}, workers={workers}, evaluate=cheap.evaluate, check=cheap.accept)
"""


@pytest.mark.parametrize("workers", [1, 2])
def test_killed_study_resumes_without_repeating_and_ends_in_same_bytes(study, workers):
    run(study)
    expected = content(study.parent / "out")
    log, script, journal = (study.parent / name for name in ("log", "script.py", "out.partial/journal.jsonl"))
    script.write_text(
        RESUME.format(here=str(Path(__file__).parent), study=str(study), out=str(study.parent / "out"), workers=workers)
    )
    environment = {**os.environ, "CHEAP_LOG": str(log), "CHEAP_SECONDS": "0.05"}
    process = subprocess.Popen([sys.executable, str(script)], env=environment)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (journal.exists() and journal.read_bytes().count(b"\n") >= 6):
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    finished = [
        json.loads(line)["index"] for line in journal.read_bytes().splitlines(keepends=True)[1:] if line.endswith(b"\n")
    ]
    assert 5 <= len(finished) < DESIGNS
    _wait_until_quiet(log)
    before = log.read_text().splitlines()
    assert len(before) - len(finished) <= 1 + 2 * workers  # only what was in flight is lost

    asked = []

    def remember(architecture, overrides, workload, seed):
        asked.append(tuple(overrides.values()))
        return cheap.evaluate(architecture, overrides, workload, seed)

    result = run(study, evaluate=remember)
    done = {tuple(result.points[index].values.values()) for index in finished}
    assert not done & set(asked)
    assert len(asked) == DESIGNS - len(finished)
    assert content(study.parent / "out") == expected
    assert not journal.exists()


def _wait_until_quiet(log: Path) -> None:
    """Orphaned workers notice that their parent is gone and end: the log stops growing."""
    deadline = time.monotonic() + 20
    size = -1
    while size != log.stat().st_size and time.monotonic() < deadline:
        size = log.stat().st_size
        time.sleep(0.4)
    assert size == log.stat().st_size


class Stop(Exception):
    pass


def interrupted_after(study: Path, count: int) -> Path:
    def stop(finished: int, total: int) -> None:
        if finished == count:
            raise Stop

    with pytest.raises(Stop):
        run_study(study, study.parent / "out", workers=1, evaluate=cheap.evaluate, check=cheap.accept, watch=stop)
    return study.parent / "out.partial" / "journal.jsonl"


def counting(calls: list):
    def evaluate(*arguments):
        calls.append(arguments)
        return cheap.evaluate(*arguments)

    return evaluate


@pytest.mark.parametrize("cut", [1, 7, 40])
def test_torn_last_line_is_repeated_and_no_other(study, cut):
    journal = interrupted_after(study, 5)
    journal.write_bytes(journal.read_bytes()[:-cut])
    calls: list = []
    run(study, evaluate=counting(calls))
    assert len(calls) == DESIGNS - 4


def test_torn_header_starts_over(study):
    journal = interrupted_after(study, 3)
    journal.write_bytes(journal.read_bytes()[:10])
    calls: list = []
    run(study, evaluate=counting(calls))
    assert len(calls) == DESIGNS


def test_damage_before_the_end_is_refused_with_its_line(study):
    journal = interrupted_after(study, 5)
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:2], b"{broken\n", *lines[3:]]))
    with pytest.raises(InputError, match=r"journal\.jsonl:3: damaged; .*--restart"):
        run(study)


@pytest.mark.parametrize("changed", ["a.yaml", "w.yaml", "w.bin", "s.yaml"])
def test_journal_of_another_version_is_refused_until_restarted(study, changed):
    interrupted_after(study, 5)
    file = study.parent / changed
    file.write_bytes(file.read_bytes().replace(b"21", b"20") if changed == "s.yaml" else file.read_bytes() + b"#")
    with pytest.raises(InputError, match=r"another version .*--restart"):
        run(study)
    calls: list = []
    result = run(study, restart=True, evaluate=counting(calls))
    assert len(calls) == len(result.points)


def test_two_processes_on_one_study_are_kept_apart(study):
    def inside(architecture, overrides, workload, seed):
        with pytest.raises(HwsimError, match="another process"):
            run(study)
        return cheap.totals(12, True)

    run_study(study, study.parent / "out", workers=1, evaluate=inside, check=cheap.accept)


def refuse_wide(architecture, overrides, workload, seed):
    if overrides["compute.pe.accumulator.bits"] == 12:
        raise HwsimError("tile does not fit\nthe buffer")
    if overrides["compute.pe.accumulator.bits"] == 13:
        raise ZeroDivisionError("float division")
    return cheap.evaluate(architecture, overrides, workload, seed)


def test_failed_designs_are_rows_with_a_reason(study):
    result = run(study, evaluate=refuse_wide)
    failed = [point for point in result.points if point.status == "failed"]
    assert [point.values["compute.pe.accumulator.bits"] for point in failed] == [12, 12, 13, 13]
    assert failed[0].reason == "tile does not fit the buffer"
    assert failed[2].reason == "internal error: ZeroDivisionError: float division"
    assert not any(point.front for point in failed)
    assert "tile does not fit the buffer" in (study.parent / "out" / "points.csv").read_text()


def test_nothing_evaluable_still_reports(study):
    def never(*_):
        raise HwsimError("no")

    result = run(study, evaluate=never)
    assert result.front == []
    assert (study.parent / "out" / "report.html").exists()


def test_folder_of_someone_else_is_refused_before_any_work(study):
    (study.parent / "out").mkdir()
    (study.parent / "out" / "thesis.tex").write_text("years")
    calls: list = []
    with pytest.raises(InputError, match="not a folder that hwsim wrote"):
        run(study, evaluate=counting(calls))
    assert calls == []
    assert (study.parent / "out" / "thesis.tex").read_text() == "years"


def test_several_workloads_count_as_one():
    one, two = cheap.totals(12, True), {**cheap.totals(16, False), "utilization": 0.25}
    two["metric"] = {"name": "accuracy", "value": 0.5, "correct": 20, "total": 40}
    both = read_metrics(combined([one, two]))
    assert both["cycles"] == one["cycles"] + two["cycles"]
    assert both["energy"] == one["energy_j"] + two["energy_j"]
    assert both["power"] == both["energy"] / both["time"]
    assert both["accuracy"] == (one["metric"]["correct"] + 20) / 400
    assert both["sqnr"] == min(one["sqnr_db"], two["sqnr_db"])
    assert both["utilization"] == 38 / (19 / 0.5 + 19 / 0.25)
    assert combined([one]) is one
