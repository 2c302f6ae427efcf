"""CSV layer tables."""

import pytest

from hwsim.base.errors import InputError
from hwsim.units.base import Gemm, Windows
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


def test_comments_batches_and_names_that_come_again(tmp_path):
    """As in SCALE-Sim's mobilnet_paper.csv (#dw), llama3b.csv (Batch Size) and MLPERF.csv (Res_conv1 nine times)."""
    text = "Layer, M, N, K, Batch Size,\n# a comment\nx, 1, 2, 3, 4,#dw\nx,1,2,3,1,\nx,1,2,3,1\n"
    steps = table(tmp_path, text).steps()
    assert [(step.name, step.gemm.count) for step in steps] == [("x", 4), ("x_2", 1), ("x_3", 1)]


def test_of_two_widths_the_first_is_the_height(tmp_path):
    """As in SCALE-Sim's DeepBench tables, which it reads by position."""
    text = CONVOLUTION.partition("\n")[0].replace("Height, IFMAP", "Width, IFMAP") + "\nspeech,700,161,20,5,1,32,2,\n"
    (step,) = table(tmp_path, text).steps()
    assert step.window.input == (700, 161)
    assert step.gemm == Gemm(341 * 79, 32, 100)


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
        ("Layer, M, N, K\n,1,2,3\n", "2: the layer has no name"),
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


def test_convolutions_keep_their_windows(tmp_path):
    first, second = table(tmp_path, CONVOLUTION).steps()
    assert first.windows == Windows(56, 56, 64, 3, 3, 1, 1)
    assert second.windows == Windows(224, 224, 3, 7, 7, 2, 2)
    assert second.a_elements == 224 * 224 * 3  # overlapping windows share their pixels
    assert table(tmp_path, GEMM).steps()[0].windows is None


def test_a_stride_for_each_side_and_a_sparsity_that_nobody_uses(tmp_path):
    heading = CONVOLUTION.splitlines()[0].replace("Strides,", "Stride height, Stride width, Sparsity,")
    first, second = table(tmp_path, f"{heading}\nc,9,12,3,2,4,5,2,3,2:4,\nd,9,12,3,2,4,5,1,1,\n").steps()
    assert (first.gemm, second.gemm) == (Gemm(4 * 4, 5, 24), Gemm(7 * 11, 5, 24))
    with pytest.raises(InputError, match="2: sparsity: expected a ratio such as 2:4, got 'half'"):
        table(tmp_path, f"{heading}\nc,9,12,3,2,4,5,2,3,half,\n")


def test_depthwise_layers_are_one_for_each_channel(tmp_path):
    (step,) = table(tmp_path, CONVOLUTION.splitlines()[0] + "\nConvDP3,12,12,3,3,32,1,1,\n").steps()
    assert (step.gemm, step.windows) == (Gemm(100, 1, 9, 32), Windows(12, 12, 1, 3, 3, 1, 1))


def test_windows_in_a_workload_file(tmp_path):
    """The rows of a drawn product as windows: m and k follow, and have to fit where they are written."""

    def load(operator):
        (tmp_path / "w.yaml").write_text(f"name: w\noperators:\n  - {{name: c, op: gemm, {operator}}}\n")
        return Workload.load(tmp_path / "w.yaml").steps()[0]

    windows = "windows: {image: 8, channels: 2, kernel: [3, 1], stride: 2}"
    assert load(f"n: 5, {windows}").gemm == Gemm(3 * 4, 5, 6)
    assert load(f"n: 5, m: 12, k: 6, {windows}").a_elements == 128
    with pytest.raises(InputError, match="m is 13, but the operands have 12"):
        load(f"n: 5, m: 13, {windows}")
    with pytest.raises(InputError, match=r"kernel \[9, 1\] is larger than the image \[8, 8\]"):
        load("n: 5, windows: {image: 8, channels: 2, kernel: [9, 1]}")
    with pytest.raises(InputError, match="windows belong to a product whose operand a is drawn"):
        load("n: 5, a: x, windows: {image: 8, channels: 2, kernel: 3}")
