"""Convolution against the loop nest of its definition."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from hwsim.workload import ReferenceBackend, Tensors
from hwsim.workload.errors import Misfit
from hwsim.workload.operators.conv2d import Conv2d
from hwsim.workload.operators.pooling import Pool2d


def direct(x, weight, bias, stride, padding, dilation, groups):
    """Every output as the sum over its window, in plain loops; reads outside the image are zero."""
    count, _, high, wide = x.shape
    outputs, depth, window_y, window_x = weight.shape
    rows = (high + 2 * padding[0] - dilation[0] * (window_y - 1) - 1) // stride[0] + 1
    cols = (wide + 2 * padding[1] - dilation[1] * (window_x - 1) - 1) // stride[1] + 1
    y = np.zeros((count, outputs, rows, cols))
    for n, o, r, c in itertools.product(range(count), range(outputs), range(rows), range(cols)):
        first = o // (outputs // groups) * depth
        total = bias[o]
        for d, i, j in itertools.product(range(depth), range(window_y), range(window_x)):
            row, col = r * stride[0] + i * dilation[0] - padding[0], c * stride[1] + j * dilation[1] - padding[1]
            if 0 <= row < high and 0 <= col < wide:
                total += x[n, first + d, row, col] * weight[o, d, i, j]
        y[n, o, r, c] = total
    return y


pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))


@given(
    images=st.tuples(st.integers(1, 2), st.integers(3, 7), st.integers(3, 7)),
    groups=st.integers(1, 3),
    depth=st.integers(1, 2),
    filters=st.integers(1, 2),
    kernel=pairs,
    stride=pairs,
    padding=st.tuples(st.integers(0, 2), st.integers(0, 2)),
    dilation=st.tuples(st.integers(1, 2), st.integers(1, 2)),
    seed=st.integers(0, 2**32 - 1),
)
def test_equals_the_loop_nest(tensors_of, images, groups, depth, filters, kernel, stride, padding, dilation, seed):
    count, high, wide = images
    assume(all(d * (k - 1) < e + 2 * p for d, k, e, p in zip(dilation, kernel, (high, wide), padding, strict=True)))
    draw = np.random.default_rng(seed)
    # Small integers: every sum is exact in float64, so the bits must be equal whatever the order.
    x = draw.integers(-8, 9, (count, groups * depth, high, wide)).astype(np.float64)
    weight = draw.integers(-8, 9, (groups * filters, depth, *kernel)).astype(np.float64)
    bias = draw.integers(-8, 9, groups * filters).astype(np.float64)
    conv = Conv2d(name="c", weight="w", bias="b", stride=stride, padding=padding, dilation=dilation, groups=groups)
    tensors = tensors_of(w=weight, b=bias)
    found = conv.evaluate(ReferenceBackend(), [x], tensors)
    expected = direct(x, weight, bias, stride, padding, dilation, groups)
    assert found.shape == expected.shape == conv.infer([x.shape], tensors)
    assert np.array_equal(found, expected)
    (step,) = conv.steps([x.shape], tensors)
    assert step.macs == expected.size * depth * kernel[0] * kernel[1]


def test_depthwise_is_one_group_per_channel(tensors_of):
    draw = np.random.default_rng(0)
    x = draw.integers(-8, 9, (2, 5, 6, 6)).astype(np.float64)
    weight = draw.integers(-8, 9, (5, 1, 3, 3)).astype(np.float64)
    conv = Conv2d(name="c", weight="w", padding=1, groups=5, activation="relu")
    tensors = tensors_of(w=weight)
    expected = np.maximum(direct(x, weight, np.zeros(5), (1, 1), (1, 1), (1, 1), 5), 0)
    assert np.array_equal(conv.evaluate(ReferenceBackend(), [x], tensors), expected)
    (step,) = conv.steps([x.shape], tensors)
    assert (step.gemm.m, step.gemm.n, step.gemm.k, step.gemm.count) == (2 * 36, 1, 9, 5)


@given(
    extents=st.tuples(st.integers(3, 7), st.integers(3, 7)),
    kernel=pairs,
    stride=pairs,
    overhang=st.tuples(st.booleans(), st.booleans()),
    seed=st.integers(0, 2**32 - 1),
)
def test_pooling_equals_the_loop_nest(extents, kernel, stride, overhang, seed):
    padding = tuple(k // 2 if o else 0 for k, o in zip(kernel, overhang, strict=True))
    x = np.random.default_rng(seed).integers(-8, 9, (2, 3, *extents)).astype(np.float64)
    rows, cols = ((e + 2 * p - k) // s + 1 for e, p, k, s in zip(extents, padding, kernel, stride, strict=True))
    largest, mean = np.zeros((2, 3, rows, cols)), np.zeros((2, 3, rows, cols))
    for n, d, r, c in itertools.product(range(2), range(3), range(rows), range(cols)):
        row, col = r * stride[0] - padding[0], c * stride[1] - padding[1]
        inside = [
            x[n, d, i, j]
            for i in range(max(row, 0), min(row + kernel[0], extents[0]))
            for j in range(max(col, 0), min(col + kernel[1], extents[1]))
        ]
        largest[n, d, r, c] = max(inside)
        mean[n, d, r, c] = sum(inside) / (kernel[0] * kernel[1])
    for op, expected in (("max_pool2d", largest), ("avg_pool2d", mean)):
        pool = Pool2d(name="p", op=op, kernel=kernel, stride=stride, padding=padding)
        assert pool.infer([x.shape], Tensors()) == expected.shape
        assert np.array_equal(pool.evaluate(ReferenceBackend(), [x], Tensors()), expected)


@pytest.mark.parametrize(
    ("fields", "shape", "message"),
    [
        ({}, (2, 4, 8, 8), "c: weight [6, 3, 3, 3] does not fit input [2, 4, 8, 8]"),
        ({"groups": 2}, (2, 3, 8, 8), "c: weight [6, 3, 3, 3] does not fit input [2, 3, 8, 8] in 2 groups"),
        ({}, (2, 3, 64), "c: expected images [N, C, H, W], got [2, 3, 64]"),
        ({}, (2, 3, 2, 8), "c: weight [6, 3, 3, 3] is larger than the padded input [2, 3, 2, 8]"),
        ({"bias": "short"}, (2, 3, 8, 8), "c: bias [5] does not fit weight [6, 3, 3, 3]"),
        ({"bias": "w2"}, (2, 3, 8, 8), "c: memory.npz has no tensor 'w2'"),
    ],
)
def test_misfits_name_operator_and_shapes(tensors_of, fields, shape, message):
    tensors = tensors_of(w=np.zeros((6, 3, 3, 3)), short=np.zeros(5))
    with pytest.raises(Misfit) as caught:
        Conv2d(name="c", weight="w", **fields).infer([shape], tensors)
    assert str(caught.value).startswith(message)


def test_a_window_one_larger_than_the_image_is_refused_and_one_that_fits_is_not(tensors_of):
    conv = Conv2d(name="c", weight="w")
    assert conv.infer([(1, 1, 3, 3)], tensors_of(w=np.zeros((1, 1, 3, 3)))) == (1, 1, 1, 1)
    with pytest.raises(Misfit):
        conv.infer([(1, 1, 3, 3)], tensors_of(w=np.zeros((1, 1, 3, 4))))
