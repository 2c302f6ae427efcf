"""Drawn tensors: the same seed gives the same bits, and a sample is a part of the whole."""

import numpy as np
import pytest
from pydantic import TypeAdapter

from hwsim.workload import ReferenceBackend, Tensors, Workload
from hwsim.workload.distributions import Distribution, Streams
from hwsim.workload.errors import Misfit
from hwsim.workload.tensors import Sample

SPECS = [
    {"distribution": "normal", "std": 2},
    {"distribution": "laplace", "scale": 0.5, "mean": 1},
    {"distribution": "student_t", "dof": 5, "outlier_channels": "10 %", "outlier_scale": 16},
    {"distribution": "uniform", "scale": 3},
]


def distribution(spec):
    return TypeAdapter(Distribution).validate_python(spec)


@pytest.mark.parametrize("spec", SPECS)
def test_rows_do_not_depend_on_which_are_drawn(spec):
    source, shape = distribution(spec), (40, 30)
    whole = Tensors(seed=3).drawn("op", "a", source, shape, range(40))
    part = Tensors(seed=3).drawn("op", "a", source, shape, [37, 2, 11])
    assert whole.dtype == np.float32
    assert np.array_equal(whole[[37, 2, 11]], part)
    assert np.array_equal(whole, Tensors(seed=3).array("op", "a", source, shape))


@pytest.mark.parametrize("changed", [{"seed": 4}, {"operator": "other"}, {"operand": "b"}])
def test_seed_operator_and_operand_each_give_other_numbers(changed):
    key = {"seed": 3, "operator": "op", "operand": "a"}
    first, second = (Streams(**one).row(0).random(8) for one in (key, key | changed))
    assert not (first == second).any()


def test_rows_have_numbers_of_their_own():
    rows = Tensors().drawn("op", "a", distribution(SPECS[0]), (50, 20), range(50))
    assert len(np.unique(rows)) == rows.size


@pytest.mark.parametrize(
    ("spec", "mean", "deviation"),
    [  # the textbook moments of each distribution
        (SPECS[0], 0, 2),
        (SPECS[1], 1, 0.5 * np.sqrt(2)),
        ({"distribution": "student_t", "dof": 5}, 0, np.sqrt(5 / 3)),
        (SPECS[3], 0, 3 / np.sqrt(3)),
    ],
)
def test_moments(spec, mean, deviation):
    values = Tensors().drawn("op", "a", distribution(spec), (200, 500), range(200))
    assert abs(values.mean() - mean) < 5 * deviation / np.sqrt(values.size)
    assert abs(values.std() / deviation - 1) < 0.03


@pytest.mark.parametrize(("share", "channels", "outliers"), [("10 %", 30, 3), ("0.5 %", 40, 1), (0, 40, 0)])
def test_outlier_channels_are_whole_channels(share, channels, outliers):
    plain = {"distribution": "normal"}
    spec = plain | {"outlier_channels": share, "outlier_scale": 16}
    with_, without = (Tensors().drawn("op", "a", distribution(s), (6, channels), range(6)) for s in (spec, plain))
    ratio = with_ / without
    assert (ratio == ratio[0]).all()
    assert sorted(set(ratio[0])) in ([1, 16], [1])
    assert (ratio[0] == 16).sum() == outliers


def test_feature_channels_of_images_are_axis_one():
    spec = distribution({"distribution": "normal", "outlier_channels": "25 %", "outlier_scale": 16})
    plain = distribution({"distribution": "normal"})
    ratio = np.divide(*(Tensors().drawn("x", "x", one, (2, 4, 3, 3), range(2)) for one in (spec, plain)))
    assert sorted(ratio[0, :, 0, 0]) == [1, 1, 1, 16]
    assert (ratio == ratio[0, :, 0, 0][:, None, None]).all()


def product(sample, seed=0):
    operator = {"name": "g", "op": "gemm", "m": 70, "n": 50, "k": 33, "a": SPECS[2], "b": SPECS[0]}
    workload = Workload(name="w", operators=[operator], numerics={"sample": sample})
    return workload.evaluate(ReferenceBackend(), seed=seed)["g"], workload.operands(seed)


def test_sampled_products_are_a_part_of_the_whole():
    whole, _ = product(None)
    part, tensors = product({"rows": 8, "cols": 5})
    rows, cols = tensors.sampled_rows("g", 70), tensors.sampled_cols("g", 50)
    assert (len(set(rows)), len(set(cols))) == (8, 5)
    np.testing.assert_allclose(part, whole[np.ix_(rows, cols)], rtol=1e-12, atol=1e-12)
    assert np.array_equal(product({"rows": 8, "cols": 5})[0], part)
    assert not np.array_equal(product({"rows": 8, "cols": 5}, seed=1)[0], part)


def test_a_sample_as_large_as_the_whole_is_the_whole():
    assert np.array_equal(Tensors(sample=Sample(rows=7)).sampled_rows("g", 7), np.arange(7))
    assert len(Tensors(sample=Sample(rows=6)).sampled_rows("g", 7)) == 6
    assert np.array_equal(Tensors(sample=Sample(rows=6)).sampled_cols("g", 7), np.arange(7))


def test_what_another_operator_reads_is_not_sampled():
    operators = [
        {"name": "g", "op": "gemm", "m": 9, "n": 8, "k": 7},
        {"name": "h", "op": "gemm", "input": "g", "n": 6, "b": {"distribution": "normal"}},
        {"name": "s", "op": "softmax", "rows": 20, "length": 3},
    ]
    workload = Workload(name="w", operators=operators, numerics={"sample": {"rows": 4, "cols": 3}})
    outputs = workload.evaluate(ReferenceBackend())
    assert {name: array.shape for name, array in outputs.items()} == {"g": (9, 8), "h": (9, 6), "s": (4, 3)}


def test_trace_operators_draw_only_their_sampled_rows():
    # The full softmax would be 2**40 elements.
    operators = [
        {"name": "s", "op": "softmax", "rows": 1 << 30, "length": 1 << 10},
        {"name": "n", "op": "rms_norm", "rows": 1 << 30, "length": 1 << 10, "weight": {"distribution": "normal"}},
        {"name": "m", "op": "mul", "rows": 1 << 30, "length": 1 << 10},
        {"name": "g", "op": "gelu", "rows": 1 << 30, "length": 1 << 10},
    ]
    workload = Workload(name="w", operators=operators, numerics={"sample": {"rows": 4}})
    outputs = workload.evaluate(ReferenceBackend())
    assert {array.shape for array in outputs.values()} == {(4, 1024)}
    np.testing.assert_allclose(outputs["s"].sum(axis=-1), 1)
    assert workload.steps()[0].work.operations["exp"] == 1 << 40


def test_more_than_memory_holds_is_refused_with_the_remedy():
    gemm = {"name": "g", "op": "gemm", "m": 1, "n": 400_000, "k": 400_000}
    whole = Workload(name="w", operators=[gemm])
    with pytest.raises(Misfit, match=r"g: b: 160000000000 values are more .* numerics: \{sample:"):
        whole.evaluate(ReferenceBackend())
    part = Workload(name="w", operators=[gemm], numerics={"sample": {"rows": 1, "cols": 2}})
    assert part.evaluate(ReferenceBackend())["g"].shape == (1, 2)
