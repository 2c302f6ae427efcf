"""Attention against its formula, head by head and token by token."""

import math

import numpy as np
import pytest

from hwsim.workload import ReferenceBackend, Tensors
from hwsim.workload.errors import Misfit
from hwsim.workload.operators.attention import Attention


def plain(qkv, heads):
    """softmax(q·k/√d)·v in plain Python loops; channels are ordered [q, k, v][head][d]."""
    count, tokens, channels = qkv.shape
    width = channels // 3
    head = width // heads
    out = np.zeros((count, tokens, width))
    for n in range(count):
        for h in range(heads):
            query, key, value = (
                [[float(qkv[n, t, part * width + h * head + c]) for c in range(head)] for t in range(tokens)]
                for part in range(3)
            )
            for t in range(tokens):
                scores = [math.fsum(a * b for a, b in zip(query[t], k, strict=True)) / math.sqrt(head) for k in key]
                powers = [math.exp(score - max(scores)) for score in scores]
                for c in range(head):
                    mixed = math.fsum(p * v[c] for p, v in zip(powers, value, strict=True))
                    out[n, t, h * head + c] = mixed / math.fsum(powers)
    return out


@pytest.mark.parametrize(("tokens", "width", "heads"), [(1, 4, 1), (5, 12, 4), (7, 6, 2)])
def test_equals_the_formula(tokens, width, heads):
    qkv = np.random.default_rng(1).normal(size=(2, tokens, 3 * width)) * 2
    attention = Attention(name="attn", heads=heads)
    found = attention.evaluate(ReferenceBackend(), [qkv], Tensors())
    assert found.shape == attention.infer([qkv.shape], Tensors()) == (2, tokens, width)
    np.testing.assert_allclose(found, plain(qkv, heads), rtol=1e-12, atol=1e-13)


def test_the_calls_carry_the_names_of_the_steps():
    calls = []

    class Listening(ReferenceBackend):
        def matmul(self, name, a, b, **options):
            calls.append((name, options["b_role"], a.shape, b.shape))
            return super().matmul(name, a, b, **options)

        def vector(self, name, op, arrays, **params):
            calls.append((name, op))
            return super().vector(name, op, arrays, **params)

    attention = Attention(name="attn", heads=2)
    attention.evaluate(Listening(), [np.zeros((3, 5, 24))], Tensors())
    assert calls == [
        ("attn.scores", "activation", (3, 2, 5, 4), (3, 2, 4, 5)),
        ("attn.softmax", "mul"),
        ("attn.softmax", "softmax"),
        ("attn.context", "activation", (3, 2, 5, 5), (3, 2, 5, 4)),
    ]
    steps = attention.steps([(3, 5, 24)], Tensors())
    assert [step.name for step in steps] == ["attn.scores", "attn.softmax", "attn.context"]
    # 3·2·5 rows of 5: products with 1/√d, then softmax: 4 comparisons, 4 additions, 5 of each of the others.
    assert steps[1].work.operations == {"mul": 150, "max": 120, "sub": 150, "add": 120, "exp": 150, "div": 150}
    assert (steps[1].work.reads, steps[1].work.writes) == (150, 150)


@pytest.mark.parametrize("shape", [(2, 5, 16), (2, 5, 18), (2, 15)])
def test_channels_that_do_not_split(shape):
    with pytest.raises(Misfit, match=r"attn: expected \[N, T, 3·D\] with D a multiple of 4 heads, got"):
        Attention(name="attn", heads=4).infer([shape], Tensors())
