"""The shipped networks of shapes: those of the papers' tables, and a run that computes no numbers."""

from hwsim.arch import Architecture
from hwsim.engine import simulate
from hwsim.workload import MatmulStep, Workload


def test_resnet_is_the_papers():
    workload = Workload.load("resnet18")
    shapes = workload.shapes()
    # He et al., table 1: output extents of conv1, of the four stages, and of the classifier.
    assert shapes["conv1"] == (1, 64, 112, 112)
    for stage, (channels, extent) in enumerate([(64, 56), (128, 28), (256, 14), (512, 7)], 1):
        assert shapes[f"layer{stage}.1.relu"] == (1, channels, extent, extent)
    assert shapes["fc"] == (1, 1000)
    products = [step for step in workload.steps() if isinstance(step, MatmulStep)]
    assert len(products) == 21  # 17 convolutions and the classifier, and three projections
    # The table's 1.8 * 10^9 FLOPs, which it defines as multiply-adds.
    assert round(sum(step.macs for step in products) / 1e9, 1) == 1.8


def test_mobilenet_is_the_papers():
    workload = Workload.load("mobilenet_v1")
    # Howard et al., table 4: 569 million multiply-adds; table 1: 7 × 7 × 1024 before the pooling.
    assert round(sum(step.macs for step in workload.steps()) / 1e6) == 569
    assert workload.shapes()["block13.pointwise"] == (1, 1024, 7, 7)


def test_a_network_of_shapes_runs_without_numbers():
    workload, array = Workload.load("resnet18"), Architecture.load("systolic_int8_ws_32x32")
    result = simulate(array, workload)
    assert all(row["sqnr_db"] is None for row in result.operators)
    assert result.totals["cycles"] == simulate(array, workload, numerics=False).totals["cycles"]


def test_numbers_are_computed_where_they_are_asked_for():
    workload = Workload.load("edge_gemm")
    assert workload.numerics.compute
    silent = workload.model_copy(update={"numerics": workload.numerics.model_copy(update={"compute": False})})
    array = Architecture.load("systolic_int8_ws_32x32")
    assert simulate(array, silent).operators[0]["sqnr_db"] is None
    assert simulate(array, silent, numerics=True).operators[0]["sqnr_db"] is not None
