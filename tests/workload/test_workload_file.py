"""Workload files: round trips, order, and one line for whatever is wrong."""

import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest
import yaml

from hwsim.base.document import read_document
from hwsim.base.errors import InputError
from hwsim.workload import ReferenceBackend, Workload

SHIPPED = sorted((Path(__file__).resolve().parents[2] / "workloads").glob("*.yaml"))
GOOD = """\
name: test
tensors: weights.npz
inputs: {file: data.npz, data: x, labels: y}
operators:
  - {name: first, op: linear, input: x, weight: w1}
  - {name: second, op: linear, input: first, weight: w2}
metric: {kind: accuracy, logits: second}
"""


@pytest.fixture
def folder(tmp_path):
    """A folder with the tensors that `GOOD` names."""
    draw = np.random.default_rng(7)
    np.savez(tmp_path / "weights.npz", w1=draw.normal(size=(5, 4)), w2=draw.normal(size=(3, 5)), text=np.array("a"))
    np.savez(tmp_path / "data.npz", x=draw.normal(size=(6, 4)), y=np.arange(6) % 3, few=np.arange(5), z=np.ones(6) / 2)
    return tmp_path


def load(folder, text):
    (folder / "work.yaml").write_text(text)
    return Workload.load(folder / "work.yaml")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_shipped_workloads_survive_a_round_trip(path, tmp_path):
    workload = Workload.load(path)
    written = yaml.safe_dump(workload.model_dump(mode="json", exclude_unset=True), sort_keys=False)
    (tmp_path / "again.yaml").write_text(written)
    again = Workload.load(tmp_path / "again.yaml")  # tensors are found among the shipped ones
    assert again.model_dump() == workload.model_dump()
    assert again.steps() == workload.steps()
    assert len({step.name for step in workload.steps()}) == len(workload.steps())


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_editors_accept_the_shipped_workloads(path):
    jsonschema.validate(read_document(path).data, Workload.model_json_schema())


def test_shipped_workloads_load_by_name():
    assert Workload.load("edge_gemm").name == "edge-gemm"


def test_values_and_score(folder):
    workload = load(folder, GOOD)
    with np.load(folder / "weights.npz") as weights, np.load(folder / "data.npz") as data:
        logits = data["x"] @ weights["w1"].T @ weights["w2"].T
        right = int((logits.argmax(1) == data["y"]).sum())
    outputs = workload.evaluate(ReferenceBackend())
    np.testing.assert_allclose(outputs["second"], logits, rtol=1e-12)
    assert (workload.score(outputs).right, workload.score(outputs).total) == (right, 6)
    assert workload.score(outputs).value == right / 6


def test_a_nan_is_never_right(folder):
    workload = load(folder, GOOD)
    logits = np.eye(3)[np.arange(6) % 3]
    assert workload.score({"second": logits}).right == 6
    logits[2, 0] = np.nan
    assert workload.score({"second": logits}).right == 5
    assert workload.score({"second": np.full((6, 3), np.nan)}).right == 0


def test_drawn_inputs_feed_a_drawn_network():
    layers = [{"name": "c", "op": "conv2d", "input": "x", "weight": {"distribution": "normal", "shape": [4, 3, 3, 3]}}]
    workload = Workload(name="w", inputs={"data": "x", "shape": [2, 3, 8, 8]}, operators=layers)
    first, second, other = (workload.evaluate(ReferenceBackend(), seed=seed)["c"] for seed in (1, 1, 2))
    assert first.shape == (2, 4, 6, 6)
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_results_do_not_depend_on_operators_beside_them():
    operators = [{"name": name, "op": "gemm", "m": 4, "n": 4, "k": 4} for name in ("a", "b")]
    both = Workload(name="w", operators=operators).evaluate(ReferenceBackend())
    alone = Workload(name="v", operators=operators[1:]).evaluate(ReferenceBackend())
    assert np.array_equal(both["b"], alone["b"])
    assert not np.array_equal(both["a"], both["b"])


FIRST, SECOND = (line + "\n" for line in GOOD.splitlines()[4:6])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("input: first", "input: frist", "6:39: operators[1].input: no operator or input data is called 'frist'; did"),
        (FIRST + SECOND, SECOND + FIRST, "5:39: operators[0].input: 'first' comes later (operators[1]); an operator"),
        ("input: x", "input: second", "5:38: operators[0].input: a cycle: first <- second <- first"),
        ("input: x", "input: first", "5:38: operators[0].input: a cycle: first <- first"),
        ("name: second", "name: first", "6:12: operators[1].name: 'first' is the name of operators[0] already"),
        ("name: second", "name: x", "6:12: operators[1].name: 'x' is the name of the input data already"),
        (
            "weight: w2",
            "weight: w3",
            "6:54: operators[1].weight: second: weights.npz has no tensor 'w3'; known",
        ),
        ("weight: w2", "weight: w1", "6:54: operators[1].weight: second: weight [5, 4] does not fit input [6, 5]"),
        ("weight: w2", "weight: text", "6:54: operators[1].weight: second: weights.npz: tensor 'text' holds <U1"),
        ("tensors: weights.npz\n", "", "4:49: operators[0].weight: first: tensor 'w1' is named, but the workload has"),
        ("weights.npz", "weight.npz", "2:10: tensors: 'weight.npz' is neither a file beside this one nor shipped"),
        ("weights.npz", "work.yaml", "2:10: tensors: "),
        ("data: x", "data: q", "3:32: inputs.data: data.npz has no tensor 'q'"),
        ("file: data.npz, ", "", "3:9: inputs: expected either a file or a shape"),
        ("labels: y", "labels: few", "3:43: inputs.labels: expected integers [6], got int64 [5]"),
        ("labels: y", "labels: z", "3:43: inputs.labels: expected integers [6], got float64 [6]"),
        (", labels: y", "", "7:9: metric: accuracy needs inputs from a file with labels"),
        ("logits: second", "logits: third", "7:34: metric.logits: 'third' is no operator with an output [N, classes]"),
        (
            "op: linear, input: x",
            "op: liner, input: x",
            "5:23: operators[0].op: unknown op 'liner'; did you mean 'linear'",
        ),
        ("weight: w2", "wieght: w2", "6:46: operators[1]: unknown key 'wieght'; did you mean 'weight'?"),
        ("weight: w2", "weight: 5", "6:54: operators[1].weight: expected a tensor's name or a distribution, got 5"),
        ("weight: w2", "weight: {distribution: normal, std: -1}", "6:82: operators[1].weight.std: expected a number"),
        (
            "weight: w2",
            "weight: {distribution: normla}",
            "6:54: operators[1].weight: unknown distribution 'normla'",
        ),
        ("weight: w2", "weight: {distribution: normal}", "6:54: operators[1].weight: second: a weight that is drawn"),
        ("input: first", "input: 5", "6:39: operators[1].input: expected a name or a list of names, got 5"),
        ("name: second", "name: 2nd place", "6:12: operators[1].name: "),
        ("name: test\n", "", "1:1: missing key 'name'"),
    ],
)
def test_one_line_with_the_place(folder, old, new, message):
    assert old in GOOD
    with pytest.raises(InputError) as caught:
        load(folder, GOOD.replace(old, new))
    assert str(caught.value).startswith(f"{folder}/work.yaml:{message}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
@pytest.mark.parametrize("suffix", ["npz", "safetensors"])
def test_files_that_are_no_tensors(folder, content, suffix):
    (folder / f"broken.{suffix}").write_bytes(content)
    with pytest.raises(InputError, match=rf"2:10: tensors: .*broken\.{suffix}: no readable tensor file") as caught:
        load(folder, GOOD.replace("weights.npz", f"broken.{suffix}"))
    assert "\n" not in str(caught.value)


def test_pickled_arrays_are_not_opened(folder):
    np.savez(folder / "pickled.npz", w1=np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"2:10: tensors: .*no readable tensor file"):
        load(folder, GOOD.replace("weights.npz", "pickled.npz"))


def test_tensors_that_are_not_finite(folder):
    np.savez(folder / "weights.npz", w1=np.full((5, 4), np.nan), w2=np.zeros((3, 5)))
    with pytest.raises(InputError, match=r"operators\[0\]\.weight: first: weights\.npz: tensor 'w1' holds inf or NaN"):
        load(folder, GOOD)


def test_importing_is_light():
    heavy = "{'numba', 'pandas', 'matplotlib', 'torch', 'safetensors', 'onnx'}"
    script = (
        f"import sys, hwsim.workload; sys.exit(str({heavy} & set(sys.modules)) if {heavy} & set(sys.modules) else 0)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
