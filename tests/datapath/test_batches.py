"""Leading dimensions count independent products: the same bits as one after the other, on every kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from hwsim.base.errors import InputError
from hwsim.datapath import Datapath
from hwsim.datapath.products import Products

E4M3 = {"a": "e4m3fn", "b": "e4m3fn"}
DATAPATHS: dict[str, dict[str, Any]] = {
    "integer": {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 14, "overflow": "wrap"}},
    "float64 carriers": {"operands": E4M3, "accumulator": {"format": "bf16"}},
    "sequential": {"operands": E4M3, "accumulator": {"format": "bf16", "rounding": "rd"}},
    "table": {"operands": E4M3, "multiplier": "lmul", "accumulator": {"format": "bf16"}},
    "tree": {"operands": E4M3, "reduction": {"kind": "tree", "lanes": 4, "format": "fp16"}, "accumulator": "fp32"},
    "fused": {
        "operands": E4M3,
        "reduction": {"kind": "fused", "lanes": 4, "align_bits": 13},
        "accumulator": {"format": "e8m13", "rounding": "rz"},
        "output": {"format": "fp32"},
    },
    "exact": {"operands": E4M3, "reduction": "exact", "accumulator": {"format": "fp16"}},
    "chunked": {"operands": E4M3, "accumulator": {"kind": "chunked", "every": 3, "inner": "bf16", "into": "fp32"}},
}


@pytest.mark.parametrize("name", DATAPATHS)
@pytest.mark.parametrize("shape", [(2, 3, 5, 7, 4), (1, 1, 1, 9, 1), (3, 2, 4, 5, 1)])
def test_a_batch_is_its_products_one_by_one(name: str, shape: tuple[int, int, int, int, int]) -> None:
    datapath = Datapath.model_validate(DATAPATHS[name])
    *lead, m, k, n = shape
    generator = np.random.default_rng(3)
    a = datapath.operands.a.encode(generator.normal(0, 20, (*lead, m, k)))
    b = datapath.operands.b.encode(generator.normal(0, 20, (*lead, k, n)))
    c = datapath.matmul_codes(a, b).codes
    if datapath.result_format != datapath.c_format:
        c = None
    batch = datapath.matmul_codes(a, b, c)
    assert batch.codes.shape == (*lead, m, n)
    overflows = saturations = 0
    for index in np.ndindex(*lead):
        one = datapath.matmul_codes(a[index], b[index], None if c is None else c[index])
        assert (one.codes == batch.codes[index]).all()
        overflows, saturations = overflows + one.overflows, saturations + one.saturations
    assert (batch.overflows, batch.saturations) == (overflows, saturations)


def test_leading_dimensions_must_agree() -> None:
    datapath = Datapath.model_validate(DATAPATHS["integer"])
    with pytest.raises(InputError, match=r"expected \[.., M, K\] x \[.., K, N\], got \[2, 3, 4\] x \[3, 4, 3\]"):
        datapath.matmul_codes(np.zeros((2, 3, 4), np.int8), np.zeros((3, 4, 3), np.int8))


@pytest.mark.parametrize("shape", [(0, 3, 4, 5), (2, 0, 4, 5), (2, 3, 4, 0), (2, 3, 0, 5)])
def test_empty_batches(shape: tuple[int, int, int, int]) -> None:
    lead, m, k, n = shape
    for name in ("integer", "fused", "float64 carriers"):
        datapath = Datapath.model_validate(DATAPATHS[name])
        dtype = datapath.operands.a.code_dtype
        codes = datapath.matmul_codes(np.zeros((lead, m, k), dtype), np.zeros((lead, k, n), dtype)).codes
        assert codes.shape == (lead, m, n) and not codes.any()


def test_parts_of_parts_count_from_their_own_first_and_stay_inside() -> None:
    datapath = Datapath.model_validate(DATAPATHS["integer"])
    a, b = np.arange(20, dtype=np.uint8).reshape(2, 10), np.arange(30, dtype=np.uint8).reshape(3, 10)
    whole = Products(a, b, datapath.operands.a, datapath.operands.b, datapath.multiplier, 1, 0, 10)
    inner = whole.part(2, 7).part(1, 3)
    assert (inner.first, inner.last, inner.length) == (3, 5, 2)
    assert whole.part(2, 7).part(3, 9).last == 7 and whole.part(8, 12).last == 10
    sums, _ = datapath.accumulator.accumulate(inner, datapath.reduction, None)
    assert sums.significand.tolist() == (a[:, 3:5].astype(int) @ b[:, 3:5].T.astype(int)).tolist()
