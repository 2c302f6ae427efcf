"""The trained networks compute here what they computed where they were trained."""

from pathlib import Path

import numpy as np
import pytest

from hwsim.workload import ReferenceBackend, Workload

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = ["digits_cnn", "digits_vit"]


@pytest.fixture(scope="module", params=NETWORKS)
def network(request):
    """Name, workload and all outputs of the float64 reference on all test images."""
    workload = Workload.load(ROOT / "workloads" / f"{request.param}.yaml")
    return request.param, workload, workload.evaluate(ReferenceBackend())


def test_accuracy_is_the_training_scripts_to_the_image(network):
    name, workload, outputs = network
    score = workload.score(outputs)
    printed = workload.operands().file.metadata["test_accuracy"]
    assert f"{score.right}/{score.total}" == printed
    assert score.total == 360
    # The number that people read is the same one.
    assert f"{score.right} of {score.total} test images" in (ROOT / "workloads" / f"{name}.yaml").read_text()


def test_accuracy_is_worth_committing(network):
    name, workload, outputs = network
    assert workload.score(outputs).value >= {"digits_cnn": 0.98, "digits_vit": 0.965}[name]


def test_logits_are_torchs_up_to_float32_rounding(network):
    name, workload, outputs = network
    with np.load(ROOT / "tests" / "data" / "workload" / "digits_logits.npz") as recorded:
        expected = recorded[name.removeprefix("digits_")]
    found = outputs[workload.metric.logits][: len(expected)]
    # torch adds up in float32: a few dozen roundings of half an ulp (2**-24) of the largest logit.
    assert np.abs(found - expected).max() <= 64 * 2.0**-24 * np.abs(expected).max()


def test_outputs_have_the_inferred_shapes(network):
    _, workload, outputs = network
    assert {name: array.shape for name, array in outputs.items()} == workload.shapes()


def test_a_batch_computes_what_the_whole_does(network):
    _, workload, outputs = network
    logits = workload.metric.logits
    few = workload.evaluate(ReferenceBackend(), data=workload.input_data()[:5])[logits]
    assert few.shape == (5, 10)
    np.testing.assert_allclose(few, outputs[logits][:5], rtol=1e-12, atol=1e-12)


def test_calibration_images_are_no_test_images(network):
    _, workload, _ = network
    test = {image.tobytes() for image in workload.input_data()}
    calibration = workload.calibration_data()
    assert calibration.shape == (128, 1, 8, 8)
    assert calibration.dtype == workload.input_data().dtype == np.float32
    assert not any(image.tobytes() in test for image in calibration)


def test_parameter_counts_in_the_readme(network):
    name, workload, _ = network
    file = workload.operands().file
    count = sum(file.array(tensor).size for tensor in file.names)
    line = next(row for row in (ROOT / "workloads" / "README.md").read_text().splitlines() if f"`{name}.yaml`" in row)
    assert f"{count:,} parameters" in line


def test_steps_count_the_work_of_the_cnn():
    steps = {step.name: step for step in Workload.load(ROOT / "workloads" / "digits_cnn.yaml").steps()}
    # Images × output pixels × output channels × window, from the layers' definition.
    assert steps["conv1"].macs == 360 * 64 * 16 * 9
    assert steps["conv2"].macs == 360 * 64 * 32 * 16 * 9
    assert steps["fc"].macs == 360 * 10 * 512
    assert steps["pool"].work.operations == {"max": 360 * 32 * 16 * 3}
    assert (steps["conv2"].a_elements, steps["conv2"].activation, steps["conv2"].bias) == (360 * 16 * 64, "relu", True)


def test_rows_of_attention_are_named_by_their_part():
    steps = {step.name: step for step in Workload.load(ROOT / "workloads" / "digits_vit.yaml").steps()}
    scores, context = (steps[f"layer1.attention.{part}"].gemm for part in ("scores", "context"))
    assert (scores.m, scores.n, scores.k, scores.count) == (16, 16, 12, 360 * 4)
    assert (context.m, context.n, context.k, context.count) == (16, 12, 16, 360 * 4)
    assert steps["layer1.attention.softmax"].op == "softmax"
    assert "tokens" not in steps
