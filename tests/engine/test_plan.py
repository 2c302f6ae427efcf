"""Which tensors share a scale and which stay quantized between operators."""

from hwsim.engine.plan import plan
from hwsim.workload import Workload


def test_pooling_keeps_the_scale_of_the_layer_before_it() -> None:
    flow = plan(Workload.load("digits_cnn").operators)
    assert flow.scaled_as == {"conv1": "images", "conv2": "conv1", "fc": "conv2"}


def test_layers_read_by_products_only_are_stored_as_codes_and_logits_are_not() -> None:
    flow = plan(Workload.load("digits_cnn").operators)
    assert flow.stored_as_codes == {"conv1", "conv2", "pool"}


def test_what_a_residual_reads_is_stored_as_reals() -> None:
    flow = plan(Workload.load("digits_vit").operators)
    layer = {"norm1", "qkv", "attention", "norm2", "up"}  # each read by one product, or by attention
    in_layers = {f"layer{i}.{name}" for i in (0, 1) for name in layer}
    others = flow.stored_as_codes - in_layers
    assert flow.stored_as_codes >= in_layers
    assert not others & {"embedded", "layer0.attended", "layer0.output", "patch", "tokens", "logits"}
    assert flow.scaled_as["layer0.down"] == "layer0.up"
    assert flow.scaled_as["layer0.qkv"] == "layer0.norm1"
