"""Result folders: complete, deterministic, self-contained, and never over someone else's files."""

import csv
import json
import re
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from synthetic import make_result, make_results

from hwsim.base.errors import InputError
from hwsim.report import write_comparison, write_run
from hwsim.report.files import plain
from hwsim.report.folder import result_folder


def content(folder) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read_rows(path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


class Page(HTMLParser):
    """What a browser would fetch, and whether elements close in order."""

    VOID = ("meta", "br", "img", "link", "hr", "input")

    def __init__(self) -> None:
        super().__init__()
        self.fetched, self.open, self.ids, self.tags = [], [], [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        for name, value in attributes:
            if name in ("src", "href", "xlink:href", "data", "poster", "srcset", "action") and not value.startswith(
                ("#", "data:")
            ):
                self.fetched.append(value)
            if name == "id":
                self.ids.append(value)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in self.VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read_page(path) -> tuple[Page, str]:
    text = path.read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    page.close()
    assert page.open == []
    return page, text


def assert_self_contained(path) -> str:
    page, text = read_page(path)
    assert page.fetched == []
    assert not {"script", "link", "iframe", "img", "object"} & set(page.tags)
    assert not re.search(r"@import|url\((?!#)", text)
    assert "https://example.org" not in re.sub(r"<pre>.*?</pre>", "", text, flags=re.DOTALL)
    assert 'name="viewport"' in text
    assert "prefers-color-scheme: dark" in text
    references = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    assert references <= set(page.ids)
    return text


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory):
    return write_run(make_result(), tmp_path_factory.mktemp("run") / "deep" / "run")


@pytest.fixture(scope="module")
def comparison_folder(tmp_path_factory):
    return write_comparison(make_results(), tmp_path_factory.mktemp("comparison") / "out")


@pytest.fixture
def no_figures(monkeypatch):
    """For what does not depend on them: drawing takes a second."""
    monkeypatch.setattr("hwsim.report.figures.figures_of", lambda results: {})


def test_run_folder(result, run_folder):
    folder = run_folder
    assert json.loads((folder / "summary.json").read_text()) == json.loads(json.dumps(result.to_json()))
    rows = read_rows(folder / "operators.csv")
    assert [row["name"] for row in rows] == [row["name"] for row in result.operators]
    for row, operator in zip(rows, result.operators, strict=True):
        assert int(row["cycles"]) == operator["cycles"]
        assert float(row["energy_j.dram"]) == operator["energy_j"]["dram"]
        assert int(row["traffic_bytes.buffer.write"]) == operator["traffic_bytes"]["buffer"]["write"]
        assert row["sqnr_db"] == ("" if operator["sqnr_db"] is None else repr(operator["sqnr_db"]))
    assert (folder / "inputs" / "arch.yaml").read_text() == result.inputs["arch.yaml"]
    for name in ("energy_area", "cycles", "sqnr", "roofline"):
        assert (folder / "figures" / f"{name}.png").read_bytes().startswith(b"\x89PNG")


def test_run_page_tells_everything_and_fetches_nothing(run_folder):
    text = assert_self_contained(run_folder / "report.html")
    assert text.count("<svg ") == 4
    assert "&lt;b&gt;markup&lt;/b&gt; &amp;" in text  # inputs are shown, not obeyed
    for word in ("conv2", "349 of 360", "Jouppi", "assumed", "numpy 2.4.6", "seed 0", "scaled &lt;from&gt; 45 nm"):
        assert word in text


def test_comparison_folder(results, comparison_folder):
    folder = comparison_folder
    text = assert_self_contained(folder / "report.html")
    assert all(each.architecture in text for each in results)
    rows = read_rows(folder / "comparison.csv")
    assert [float(row["energy_j"]) for row in rows] == [each.totals["energy_j"] for each in results]
    assert rows[0]["energy_j_vs_first"] == "×1.00"
    runs = json.loads((folder / "comparison.json").read_text())["runs"]
    assert [run["architecture"] for run in runs] == [each.architecture for each in results]
    assert len(list((folder / "inputs").iterdir())) == 3


def test_same_results_same_bytes(result, results, run_folder, comparison_folder, tmp_path):
    assert content(write_run(result, tmp_path / "run")) == content(run_folder)
    assert content(write_comparison(results, tmp_path / "comparison")) == content(comparison_folder)


def test_one_architecture_twice_stays_two(result, tmp_path, no_figures):
    folder = write_comparison([result, result], tmp_path / "cmp")
    names = [row["architecture"] for row in read_rows(folder / "comparison.csv")]
    assert names == [result.architecture, f"{result.architecture} (2)"]


def test_values_without_json_become_null():
    assert plain({"a": float("inf"), "b": [float("nan"), 1.5], 3: (None, True)}) == {
        "a": None,
        "b": [None, 1.5],
        "3": [None, True],
    }


def test_run_without_any_number_format(long_result, result, tmp_path):
    rows = [
        {
            **row,
            "sqnr_db": None,
            "max_ulp": None,
            "rel_l2": None,
            "overflows": None,
            "saturations": None,
            "energy_j": None,
            "traffic_bytes": None,
            "utilization": None,
            "bound": None,
            "unit": None,
        }
        for row in result.operators
    ]
    bare = replace(
        result, operators=rows, area_m2={}, energy_j={}, sources=[], inputs={},
        totals=dict.fromkeys(result.totals) | {"cycles": 5, "time_s": 5e-9},
        roofline={"peak_macs_per_s": 1e12, "bandwidth_bytes_per_s": {}},
    )  # fmt: skip
    assert_self_contained(write_run(bare, tmp_path / "bare") / "report.html")
    assert_self_contained(write_comparison([bare, long_result], tmp_path / "mixed") / "report.html")


def test_exact_layers_are_called_exact(result, tmp_path):
    exact = replace(
        result, operators=[{**row, "sqnr_db": float("inf") if row["macs"] else None} for row in result.operators]
    )
    folder = write_run(exact, tmp_path / "run")
    assert json.loads((folder / "summary.json").read_text())["operators"][0]["sqnr_db"] is None
    assert ">exact<" in (folder / "report.html").read_text()


def test_replaces_its_own_kind_only(result, results, tmp_path, no_figures):
    folder = write_run(result, tmp_path / "run")
    before = content(folder)
    assert content(write_run(result, folder)) == before
    with pytest.raises(InputError, match="holds a run, not a comparison"):
        write_comparison(results, folder)
    (folder / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds 'notes\.txt', which hwsim did not write"):
        write_run(result, folder)
    assert content(folder) == before | {"notes.txt": b"mine"}


@pytest.mark.parametrize("occupied", ["file", "folder"])
def test_refuses_what_it_did_not_write(result, tmp_path, occupied, no_figures):
    target = tmp_path / "target"
    if occupied == "file":
        target.write_text("mine")
    else:
        target.mkdir()
        (target / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match="target: ") as caught:
        write_run(result, target)
    assert "\n" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["target"]


def test_empty_folder_is_free(result, tmp_path, no_figures):
    (tmp_path / "run").mkdir()
    assert (write_run(result, tmp_path / "run") / "summary.json").exists()


def test_failure_leaves_nothing_and_keeps_the_old(tmp_path):
    with pytest.raises(RuntimeError), result_folder(tmp_path / "run", "run") as folder:
        (folder / "half.txt").write_text("half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with result_folder(tmp_path / "run", "run") as folder:
        (folder / "whole.txt").write_text("whole")
    with pytest.raises(RuntimeError), result_folder(tmp_path / "run", "run") as folder:
        raise RuntimeError
    assert (tmp_path / "run" / "whole.txt").read_text() == "whole"
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
