"""What a datapath's description accepts, what it fills in and what it refuses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from hwsim.base.errors import HwsimError, InputError
from hwsim.datapath import Datapath, MatmulResult
from hwsim.datapath.accumulators.chunked import ChunkedAccumulator
from hwsim.datapath.accumulators.float import FloatAccumulator
from hwsim.datapath.accumulators.integer import IntegerAccumulator
from hwsim.formats import get

DESIGN = """
operands:    {a: e4m3fn, b: e4m3fn}
multiplier:  exact
reduction:   {kind: fused, lanes: 32, align_bits: 13, align: truncate}
accumulator: ACCUMULATOR
output:      {format: fp32}
"""


def load(tmp_path: Path, text: str) -> Datapath:
    file = tmp_path / "datapath.yaml"
    file.write_text(text)
    return Datapath.load(file)


def test_the_design_document_example(tmp_path: Path) -> None:
    datapath = load(tmp_path, DESIGN.replace("ACCUMULATOR", "{format: e8m13, rounding: rz}"))
    assert isinstance(datapath.accumulator, FloatAccumulator)
    assert (datapath.accumulator.format.name, datapath.accumulator.rounding) == ("e8m13", "rz")
    assert (datapath.result_format.name, datapath.c_format.name) == ("fp32", "fp32")


def test_a_chunked_accumulator(tmp_path: Path) -> None:
    datapath = load(tmp_path, DESIGN.replace("ACCUMULATOR", "{kind: chunked, every: 128, into: fp32}"))
    accumulator = datapath.accumulator
    assert isinstance(accumulator, ChunkedAccumulator)
    assert accumulator.every == 128
    assert accumulator.chunk == accumulator.into == FloatAccumulator(format="fp32")


def test_a_systolic_processing_element(tmp_path: Path) -> None:
    text = (
        "operands: {a: int8, b: int8}\nmultiplier: exact\naccumulator: {kind: integer, bits: 24, overflow: saturate}\n"
    )
    datapath = load(tmp_path, text)
    assert datapath.reduction.kind == "sequential"
    assert datapath.accumulator == IntegerAccumulator(bits=24, overflow="saturate")
    assert datapath.result_format.name == "int24"


@pytest.mark.parametrize(
    ("written", "kind"),
    [({"format": "fp16"}, "float"), ({"bits": 20}, "integer"), ("bf16", "float"), ("int24", "integer")],
)
def test_short_spellings(written: object, kind: str) -> None:
    fields = {"operands": {"a": "int8", "b": "int8"}, "accumulator": written}
    assert Datapath.model_validate(fields).accumulator.kind == kind


REFUSED = [
    ({"accumulator": {"bits": 24}}, "integer accumulator cannot add products of 'fp16', a float format"),
    ({"accumulator": {"bits": 65}}, "less than or equal to 64"),
    ({"accumulator": "ue4m3"}, "signed format"),
    ({"accumulator": "fp31"}, "unknown format 'fp31'"),
    ({"accumulator": {"every": 4, "inner": "fp16", "into": "int24"}}, "into an integer accumulator"),
    ({"reduction": {"kind": "sequential", "product": "fp16"}}, "fused: false"),
    ({"reduction": {"kind": "fused", "lanes": 64, "align_bits": 56}}, "need a sum of"),
    ({"reduction": "kulisch"}, "kulisch"),
    ({"multiplier": "lmull"}, "lmull"),
    ({"operands": {"a": "e11m52", "b": "e11m52"}}, "products of 106 significand bits"),
    ({"operands": {"a": "int8", "b": "fp16"}, "multiplier": "lmul"}, "lmul multiplies floating-point"),
    ({"operands": {"a": "fp16", "b": "fp16", "c": "int8"}}, "cannot start from c in 'int8'"),
    ({"output": {"format": "e2m1fn", "overflow": "inf"}}, "e2m1fn overflows by saturate, not 'inf'"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_refusals(change: dict[str, object], message: str) -> None:
    fields = {"operands": {"a": "fp16", "b": "fp16"}, "accumulator": "fp32", **change}
    with pytest.raises(ValidationError, match="(?s)" + message.replace("(", r"\(")):
        Datapath.model_validate(fields)


def test_a_file_with_float_operands_and_an_integer_accumulator_gets_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="an integer accumulator cannot add products") as caught:
        load(tmp_path, "operands: {a: fp16, b: fp16}\naccumulator: {bits: 24}\n")
    assert "\n" not in str(caught.value)
    assert "datapath.yaml:" in str(caught.value)


def test_shapes_and_codes_are_checked() -> None:
    datapath = Datapath.model_validate({"operands": {"a": "e2m1fn", "b": "e2m1fn"}, "accumulator": "fp32"})
    a = np.zeros((2, 3), np.uint8)
    with pytest.raises(InputError, match=r"\[.., M, K\] x \[.., K, N\], got \[2, 3\] x \[2, 3\]"):
        datapath.matmul_codes(a, a)
    with pytest.raises(InputError, match="c of shape"):
        datapath.matmul_codes(a, a.T, np.zeros((2, 3), np.uint32))
    with pytest.raises(InputError, match="4 bits"):
        datapath.matmul_codes(a + 16, a.T)
    with pytest.raises(InputError, match="rows"):
        datapath.dot_codes(a, a[:1])


def test_traps_name_the_number_of_sums_and_the_first_output() -> None:
    datapath = Datapath.model_validate(
        {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 8, "overflow": "trap"}}
    )
    a, b = np.array([[1, 1], [100, 100]], np.int8), np.array([[1, 0], [1, 1]], np.int8)
    assert datapath.matmul_codes(a[:1], b).codes.tolist() == [[2, 1]]
    with pytest.raises(HwsimError, match=r"1 sums overflowed the 8-bit accumulator.*\[1, 0\]"):
        datapath.matmul_codes(a, b)


def test_chunks_hand_their_sums_to_an_outer_accumulator() -> None:
    inner = Datapath.model_validate(
        {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 8, "overflow": "saturate"}}
    )
    chunked = inner.with_chunks(2, "int32")
    a, b = np.full((1, 5), 100, np.int8), np.ones((5, 1), np.int8)
    # Chunks of 200, 200 and 100, of which the first two saturate at 127.
    assert chunked.matmul_codes(a, b).codes.tolist() == [[127 + 127 + 100]]
    assert inner.matmul_codes(a, b).codes.tolist() == [[127]]
    assert chunked.matmul_codes(a, b).saturations == 2
    with pytest.raises(InputError, match="chunked already"):
        chunked.with_chunks(4, "int32")


def test_values_are_encoded_and_saturate() -> None:
    datapath = Datapath.model_validate({"operands": {"a": "e4m3fn", "b": "e4m3fn"}, "accumulator": "fp32"})
    assert datapath.matmul([[1e6, 2.0]], [[1.0], [0.3]], [[0.5]]).tolist() == [[448 + 2 * 0.3125 + 0.5]]


def test_fixed_point_sums_keep_their_binary_point() -> None:
    datapath = Datapath.model_validate({"operands": {"a": "q4.4", "b": "q2.6"}, "accumulator": {"bits": 20}})
    assert datapath.result_format == get("q10.10")
    assert datapath.matmul([[1.5, -2.0]], [[0.25], [1.0]]).tolist() == [[1.5 * 0.25 - 2.0]]


def test_overflows_and_saturations_are_told_apart() -> None:
    operands, a = {"a": "fp16", "b": "fp16"}, np.array([[60000.0, 60000.0, -60000.0]])
    codes, ones = get("fp16").encode(a), get("fp16").encode(np.ones((3, 1)))

    def run(**accumulator: str) -> MatmulResult:
        fields = {"operands": operands, "accumulator": {"format": "fp16", **accumulator}}
        return Datapath.model_validate(fields).matmul_codes(codes, ones)

    assert run() == MatmulResult(run().codes, 1, 0)
    saturated = run(overflow="saturate")
    assert (saturated.overflows, saturated.saturations) == (0, 1)
    assert get("fp16").decode(saturated.codes).tolist() == [[65504 - 60000]]
