"""Results do not depend on the number of threads, and integer kernels hold no floating-point type."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from hwsim.datapath import Datapath, compensated, float64_sums, fused_sums, sums
from hwsim.datapath.accumulators import integer
from hwsim.datapath.fused_block import Groups, LateAddend
from hwsim.datapath.products import Products
from hwsim.datapath.reductions import exact, sequential, tree
from hwsim.datapath.reductions.fused import Fused

UNITS = [
    {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 14, "overflow": "saturate"}},
    {"operands": {"a": "fp16", "b": "e5m2"}, "accumulator": "fp16"},
    {"operands": {"a": "fp16", "b": "e5m2"}, "accumulator": "fp16", "reduction": {"kind": "tree", "lanes": 4}},
    {
        "operands": {"a": "fp16", "b": "e5m2"},
        "accumulator": {"format": "fp16"},
        "reduction": {"kind": "fused", "lanes": 8, "align_bits": 12},
    },
    {"operands": {"a": "fp16", "b": "e5m2"}, "accumulator": {"format": "fp16"}, "reduction": "exact"},
    {"operands": {"a": "fp16", "b": "e5m2"}, "accumulator": {"kind": "two_word", "format": "bf16"}},
    {
        "operands": {"a": "fp16", "b": "e5m2"},
        "accumulator": {"every": 16, "into": {"format": "fp16", "rounding": "stochastic", "seed": 5}},
    },
]


@pytest.mark.parametrize("fields", UNITS, ids=lambda f: str(f.get("reduction", "sequential")))
def test_one_thread_gives_the_bits_of_all(fields: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is one core: the spans of several threads are made whatever the machine."""
    from hwsim.kernels import threads

    datapath = Datapath.model_validate(fields)
    generator = np.random.default_rng(0)
    a = generator.integers(0, datapath.operands.a.code_count, (37, 40)).astype(datapath.operands.a.code_dtype)
    b = generator.integers(0, datapath.operands.b.code_count, (40, 29)).astype(datapath.operands.b.code_dtype)
    single = datapath.matmul_codes(a, b)
    spans = []
    kernels = threads.over_threads

    def in_many_spans(kernel: Any, tasks: int, worth: int, *arguments: Any) -> int:
        spans.append(min(tasks, 12))
        return kernels(kernel, tasks, 12, *arguments)

    monkeypatch.setattr(threads, "_thread_count", lambda: 3)
    for module in (compensated, sums, float64_sums, fused_sums, integer, exact, sequential, tree):
        monkeypatch.setattr(module, "over_threads", in_many_spans)
    every = datapath.matmul_codes(a, b)
    assert max(spans) == 12
    assert np.array_equal(single.codes, every.codes)
    assert (single.overflows, single.saturations) == (every.overflows, every.saturations)


def test_kernels_hold_no_floating_point_type() -> None:
    """Numba turns uint64 with int64, and a true division, into float64 without a word; none may appear."""
    from numba import njit

    from hwsim.kernels import (
        accumulate,
        compensated,
        matmul_by_rule,
        matmul_exact,
        matmul_fused,
        matmul_integer,
        matmul_sequential,
        matmul_tree,
        multiply,
        philox,
        rounding,
    )

    datapath = Datapath.model_validate(UNITS[1])
    ones = np.ones((2, 3), np.uint16)
    operands = datapath.operands
    products = Products(ones, ones, operands.a, operands.b, datapath.multiplier, 1, 0, 3)
    head = (*products.unpacked, products.rule(), (0, 3), 2)
    out = (np.zeros((2, 2), np.int64), np.zeros((2, 2), np.int32), np.zeros((2, 2), np.uint8))
    low = tuple(x.copy() for x in out)
    every = (0, 4)
    target = (11, -24, 15, 2047, 0, 0, 1, 1, 0)
    scales = ((np.ones((2, 1), np.int64), np.zeros((2, 1), np.int32), np.zeros((2, 1), np.uint8)) * 2, (4, 0))
    group = Groups(count=2, align_bits=8, scaled=True)
    late = LateAddend(align_bits=9, sum_align_bits=10)
    unit = Fused(lanes=4, align_bits=10, zero_exponent=-30, groups=group, late=late).kernel_parameters()
    none = np.zeros(0, np.int64)
    levels = np.zeros((1, 13), np.int64)
    levels[0, :9] = target
    calls = [
        (matmul_sequential.sequential, (*head, target, target, np.zeros(0, np.int64), *out, every)),
        (matmul_tree.tree, (*head, 2, target, target, levels, target, none, *out, every)),
        (matmul_fused.fused, (*head, *scales, unit, target, (-14, -14), none, *out, every)),
        (compensated.compensated, (*head, target, 2, target, out, low, every)),
        (compensated.compensate_arrays, (out, low, out, 11, 1, target, (0, 2))),
        (matmul_exact.exact, (*head, 2, (-100, 9), target, none, *out, every)),
        (matmul_sequential.add_arrays, (*out, 11, *out, 11, target, (0, 0), (0, 2))),
    ]
    random = (11, -24, 15, 2047, 8, 0, 1, 1, 0, 24, 5, 7, 0)
    calls += [(kernel, tuple(random if x is target else x for x in arguments)) for kernel, arguments in calls]
    for carrier in (np.int32, np.int64):
        a, b, total = np.ones((2, 3), carrier), np.ones((1, 3, 2), carrier), np.zeros((2, 2), carrier)
        arguments = (a, b, np.zeros(1, carrier), (0, 3), 2, 1, 8, 1, total, total.copy(), (0, 2))
        calls.append((matmul_integer.integer, arguments))
    a, b, total = np.ones((2, 3), np.int64), np.ones((1, 3, 2), np.int64), np.zeros((2, 2), np.int64)
    arguments = (a, b, np.zeros(1, np.int64), products.rule(), (0, 3), 2, 1, 8, 1, total, total.copy(), (0, 2))
    calls.append((matmul_by_rule.integer_by_rule, arguments))
    seen = 0
    for kernel, arguments in calls:
        # Compiled afresh: a kernel from the cache no longer knows the types of its variables.
        fresh = njit(kernel.py_func)
        fresh(*arguments)
        seen += _assert_no_floats(fresh)
    for module in (
        compensated,
        accumulate,
        matmul_by_rule,
        matmul_exact,
        matmul_fused,
        matmul_integer,
        multiply,
        philox,
        rounding,
    ):
        for helper in vars(module).values():
            if hasattr(helper, "overloads"):
                seen += _assert_no_floats(helper)
    assert seen > 20


def _assert_no_floats(dispatcher: object) -> int:
    compiled = list(dispatcher.overloads.values())  # type: ignore[attr-defined]
    for result in compiled:
        found = re.search(r".*\bfloat(32|64)\b.*", str(result.type_annotation))
        assert found is None, f"{dispatcher}: {found[0]}"
    return len(compiled)
