"""What docs/formats_peers.md says of hwsim's shared scales."""

import numpy as np
import pytest

from hwsim.formats import BlockFormat, get

EXPONENTS = {
    1.999: {"floor": -2, "rceil": -1, "ceil": -1, "even": -1, "round": -2},
    1.258 * 2.0**-16: {"floor": -18, "rceil": -18, "ceil": -17, "even": -18, "round": -18},
}


@pytest.mark.parametrize("largest", EXPONENTS)
def test_exponents_of_scales(largest):
    for rule, exponent in EXPONENTS[largest].items():
        fmt = BlockFormat(name="x", element="e2m1fn", rule=rule)
        assert int(fmt.quantize(np.array([largest, 0.1 * largest], np.float32)).scales[0]) - 127 == exponent


def test_blocks_of_zeros():
    zeros = np.zeros((2, 32), np.float32)
    assert get("mxfp4").quantize(zeros).scales.tolist() == [[0], [0]]  # 2**-127
    assert get("nvfp4").quantize(zeros).scales.tolist() == [[0x08] * 2] * 2  # 2**-6 in E4M3
    for name in ("mxfp4", "nvfp4", "nvfp4_bf16", "dfp16", "msfp12"):
        assert (get(name).quantize(zeros).dequantize() == 0).all()


def test_range_of_mxint8():
    full = get("mxint8")
    symmetric = full.model_copy(update={"element": get("q2.6_symmetric")})
    assert full.quantize([-1.999]).dequantize().tolist() == [-2.0]
    assert symmetric.quantize([-1.999]).dequantize().tolist() == [-127 / 64]


def test_an_infinity_under_each_policy():
    x = np.array([np.inf, 1.0, -3.0], np.float32)
    found = {
        policy: get("mxfp4").model_copy(update={"nonfinite": policy}).quantize(x).dequantize().tolist()
        for policy in ("block_nan", "saturate", "elementwise")
    }
    assert np.isnan(found["block_nan"]).all()
    assert found["saturate"] == [6 * 2.0**126, 0, 0]
    assert found["elementwise"] == [6 * 2.0**-1, 1.0, -3.0]
