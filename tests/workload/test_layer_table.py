"""CSV layer tables."""

import pytest

from hwsim.base.errors import InputError
from hwsim.units.base import Gemm
from hwsim.workload import Workload

# Lines of SCALE-Sim 3.0.0's published tables (MIT), with the M, N, K that it reports for stride 1.
GEMM = "Layer, M, N, K,\nthin_k,33,17,1,\ngemv,1,100,64,\n"
CONVOLUTION = (
    "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,\n"
    "Conv2_1a,56,56,3,3,64,64,1,\n\nConv1,224,224,7,7,3,64,2,\n"
)


def table(tmp_path, text):
    path = tmp_path / "table.csv"
    path.write_text(text)
    return Workload.load(path)


def test_matrix_products(tmp_path):
    workload = table(tmp_path, GEMM)
    assert workload.name == "table"
    assert [(step.name, step.gemm) for step in workload.steps()] == [
        ("thin_k", Gemm(33, 17, 1)),
        ("gemv", Gemm(1, 100, 64)),
    ]


def test_convolutions_round_their_output_down(tmp_path):
    first, second = (step.gemm for step in table(tmp_path, CONVOLUTION).steps())
    assert first == Gemm(54 * 54, 64, 3 * 3 * 64)
    # (224 - 7)/2 + 1 = 109.5: 109 outputs; SCALE-Sim reports 110 (facts: its stride-2 fault).
    assert second == Gemm(109 * 109, 64, 7 * 7 * 3)


def test_columns_in_any_order_and_repeats(tmp_path):
    text = "name, K, repeat, N, M\nq k/v,4,12,3,2\n"
    (step,) = table(tmp_path, text).steps()
    assert (step.name, step.gemm) == ("q_k_v", Gemm(2, 3, 4, 12))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "1: expected a heading such as 'Layer, M, N, K'"),
        ("1,2,3\n", "1: expected a heading such as"),
        ("Layer, M, N\nx,1,2\n", "1: expected one column 'k', got 0"),
        ("Layer, M, N, K, K\nx,1,2,3,3\n", "1: expected one column 'k', got 2"),
        ("Layer, M, N, K, repaet\nx,1,2,3,3\n", "1: unknown column 'repaet'; did you mean 'repeat'?"),
        ("Layer, M, N, K\n", " no layers"),
        ("Layer, M, N, K\n\nx,1,2\n", "3: expected 4 cells, got 3"),
        ("Layer, M, N, K\nx,1,-2,3\n", "2: n: expected a whole number above 0, got '-2'"),
        ("Layer, M, N, K\nx,1,0,3\n", "2: n: expected a whole number above 0, got '0'"),
        ("Layer, M, N, K\nx,1,2.5,3\n", "2: n: expected a whole number above 0, got '2.5'"),
        ("Layer, M, N, K\nx,1,2,3\nx,1,2,3\n", "3: a layer is called 'x' already"),
        (CONVOLUTION.replace("56,56", "2,56"), "2: the filter [3, 3] is larger than the input [2, 56]"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        table(tmp_path, text)
    assert str(caught.value).startswith(f"{tmp_path}/table.csv:{message}")
    assert "\n" not in str(caught.value)


def test_a_missing_table(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv: No such file"):
        Workload.load(tmp_path / "none.csv")
