"""Which tensors share a scale and which stay quantized between operators."""

from hwsim.engine.plan import plan
from hwsim.workload import Workload


def test_pooling_keeps_the_scale_of_the_layer_before_it() -> None:
    flow = plan(Workload.load("digits_cnn").operators)
    assert flow.scaled_as == {"conv1": "images", "conv2": "conv1", "fc": "conv2"}


def test_layers_read_by_products_only_stay_quantized_and_logits_do_not() -> None:
    flow = plan(Workload.load("digits_cnn").operators)
    assert flow.kept == {"conv1", "conv2"}


def test_what_softmax_or_a_residual_reads_is_not_kept_quantized() -> None:
    flow = plan(Workload.load("digits_vit").operators)
    assert flow.kept == {"layer0.up", "layer1.up"}  # only the MLP's hidden layer feeds a product directly
    assert flow.scaled_as["layer0.down"] == "layer0.up"
    assert flow.scaled_as["layer0.qkv"] == "layer0.norm1"
