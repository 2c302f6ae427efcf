"""The probe recovers what units compute from their answers, and says so where it cannot."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from hwsim.arch.matrix_units import instructions, mma, names
from hwsim.datapath import Datapath
from hwsim.engine.probe import ProbeReport, black_box, probe
from hwsim.units.matrix_unit import MatrixUnit


def distinct() -> list[MatrixUnit]:
    """One instruction for every rule of addition that is shipped: reduction, accumulator, order, conversion."""
    found: dict[str, MatrixUnit] = {}
    for name in names():
        for unit in instructions(name):
            datapath = unit.datapath
            key = (datapath.reduction, datapath.accumulator, datapath.order, datapath.operands.convert)
            found.setdefault(repr((*key, datapath.operands.scale, datapath.operands.flush)), unit)
    return list(found.values())


def holds(report: ProbeReport, name: str, value: Any) -> bool:
    """Whether the report names ``value``, alone or among what it cannot tell apart."""
    found = report.parameter(name)
    return found is not None and (found.value == value or value in found.also)


PRESETS = distinct()


@pytest.mark.parametrize("unit", PRESETS, ids=lambda unit: f"{unit.name}-{unit.instruction}")
def test_shipped_units_are_recovered(unit: MatrixUnit) -> None:
    report = probe(unit)
    reduction, accumulator = unit.datapath.reduction, unit.datapath.accumulator
    assert report.differing == 0
    if accumulator.kind == "integer":
        assert (report.kind, report.value("overflow")) == ("integer", accumulator.overflow)
        return
    kind = {"sequential": "FMA chain"}.get(reduction.kind, reduction.kind)
    inner = getattr(accumulator, "inner", None) or accumulator
    assert report.kind == kind
    assert report.value("rounding") == inner.rounding and not report.parameter("rounding").also
    assert report.value("significand bits") == inner.format.precision
    if kind == "FMA chain":
        return
    assert report.value("L") == reduction.lanes and not report.parameter("L").also
    if kind == "fused":
        assert report.value("F") == reduction.align_bits and not report.parameter("F").also
        assert report.value("alignment") == reduction.align
        assert ("after" in report.value("c")) == (reduction.late is not None or accumulator.kind == "chunked")
        assert reduction.late is not None or holds(report, "e_zero", reduction.zero_exponent)
        assert (report.parameter("groups") is None) == (reduction.groups is None)
    if kind == "tree":
        four = "((p0 + p1) + (p2 + p3)) + c"
        assert report.value("tree") == (four if reduction.lanes == 4 else "(p0 + p1) + c")


@pytest.mark.parametrize(
    ("name", "arguments", "exponent"),
    [
        ("ampere.mma", {"a": "bf16", "d": "fp32"}, -132),
        ("hopper.wgmma", {"a": "bf16", "d": "fp32"}, -133),
        ("hopper.wgmma", {"a": "tf32", "d": "fp32"}, -133),
        ("volta.mma", {"a": "fp16", "d": "fp16"}, -19),
        ("hopper.wgmma", {"a": "fp16", "d": "fp16"}, -21),
    ],
)
def test_the_exponent_of_zeros_where_it_shows(name: str, arguments: dict[str, str], exponent: int) -> None:
    found = probe(mma(name, **arguments)).parameter("e_zero")
    assert found is not None and (found.value, found.also) == (exponent, ())


def random_datapath(seed: int) -> Datapath:
    draw = np.random.default_rng(seed)
    operand = str(draw.choice(["fp16", "bf16", "e4m3fn", "e5m2"]))
    reduction = {
        "kind": "fused",
        "lanes": int(draw.integers(1, 33)),
        "align_bits": int(draw.integers(5, 31)),
        "align": str(draw.choice(["truncate", "floor", "rne"])),
        "zero_exponent": None if draw.random() < 0.5 else -130,
    }
    accumulator = {"format": "fp32", "rounding": str(draw.choice(["rz", "rne"]))}
    return Datapath.model_validate(
        {"operands": {"a": operand, "b": operand}, "reduction": reduction, "accumulator": accumulator}
    )


@pytest.mark.parametrize("seed", range(8))
def test_random_fused_datapaths_are_recovered_or_named_among_the_indistinguishable(seed: int) -> None:
    datapath: Any = random_datapath(seed)
    report = probe(datapath)
    assert report.explained and report.differing == 0
    assert holds(report, "F", datapath.reduction.align_bits)
    assert holds(report, "rounding", datapath.accumulator.rounding)
    if report.kind == "fused":
        assert holds(report, "L", datapath.reduction.lanes)
        assert holds(report, "alignment", datapath.reduction.align)
        assert holds(report, "e_zero", datapath.reduction.zero_exponent)


def test_the_datapath_of_a_report_gives_the_units_answers() -> None:
    unit = mma("cdna3.mfma", a="e4m3fnuz", d="fp32")
    datapath = Datapath.model_validate(probe(unit).datapath)
    codes = np.random.default_rng(1).integers(0, 255, (2, 500, 32)).astype(np.uint8)
    codes[codes == 0x80] = 0  # NaN
    d = unit.dot_bits(codes[0], codes[1])
    assert np.array_equal(datapath.dot_codes(codes[0], codes[1]).codes, d)


def test_a_lying_unit_is_not_called_right() -> None:
    """One answer in eight is off by its last place."""
    box = black_box(mma("ampere.mma", a="fp16", d="fp32"))

    def lies(questions: Any) -> np.ndarray:
        d = honest(questions)
        return np.where(questions.a.astype(np.int64).sum(1) % 8 == 0, d ^ np.uint64(1), d)

    honest = box.dot
    report = probe(replace(box, dot=lies))
    assert not report.explained and report.datapath is None
    assert "unexplained" in report.summary


def test_evidence_is_what_the_unit_answers() -> None:
    unit = mma("hopper.wgmma", a="e4m3fn", d="fp32")
    report = probe(unit)
    shown = [each.evidence for parameter in report.parameters for each in parameter.refuted]
    shown += [each for finding in report.findings for each in finding.evidence]
    assert len(shown) > 15
    for each in shown:
        a, b = np.zeros((2, 1, 2 * unit.k), np.uint8)
        for k, left, right in each.terms:
            a[0, k], b[0, k] = left, right
        assert int(unit.dot_bits(a, b, np.array([each.c], np.uint32))[0]) == each.d


def test_findings_of_the_special_experiments() -> None:
    told = {each.name: each.value for each in probe(mma("cdna2.mfma", a="bf16", d="fp32", kind="1k")).findings}
    assert told["subnormal operands"] == "a flushed, b flushed"
    assert told["subnormal results"] == "flushed"
    told = {each.name: each.value for each in probe(mma("ampere.mma", a="bf16", d="fp32")).findings}
    assert told["subnormal operands"] == "a kept, b kept"
    assert told["NaN"] == "0x7fffffff"
    assert told["overflow"] == "infinity"
    assert told["products beyond d's range"] == "2^128 − 2^128 gives 0"
    assert told["monotonicity"].startswith("violated")
    assert told["products in [2, 4)"].startswith("not normalised")


def test_fp8_of_hoppers_mma_comes_in_permuted_halves() -> None:
    report = probe(mma("hopper.mma", a="e4m3fn", d="fp16"))
    order = next(each.value for each in report.findings if each.name == "order along K")
    assert "16 (k = 0, 1, 4, 5, 8, 9, …)" in order and "16 (k = 2, 3, 6, 7, 10, 11, …)" in order
    assert report.value("c") == "after 32 products, by one addition"
