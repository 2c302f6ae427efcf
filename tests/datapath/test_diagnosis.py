"""What additions lose: counters against those of exact numbers, and cases whose counts are known."""

from __future__ import annotations

import numpy as np
import pytest
from _datapaths import Case, cases
from hypothesis import HealthCheck, given, settings

from hwsim.base.errors import HwsimError, InputError
from hwsim.datapath import Datapath
from hwsim.formats import get
from hwsim.golden import datapath as golden
from hwsim.golden.diagnosis import Recorder

relaxed = settings(suppress_health_check=list(HealthCheck), max_examples=60)


def compare(case: Case, cancelled_bits: int | None) -> None:
    unit = case.datapath
    scales = case.scales or (None, None)
    recorder = Recorder(cancelled_bits=cancelled_bits, places=golden.product_places(unit))
    listed = [None if x is None else x.tolist() for x in (case.a, case.b, case.c, *scales)]
    try:
        expected, _ = golden.matmul(unit, *listed, recorder)
    except HwsimError:
        with pytest.raises(HwsimError):
            unit.diagnose(case.a, case.b, case.c, *scales, cancelled_bits)
        return
    if unit.scaled_at == "group":
        with pytest.raises(InputError, match="block by block"):
            unit.diagnose(case.a, case.b, case.c, *scales, cancelled_bits)
        return
    found = unit.diagnose(case.a, case.b, case.c, *scales, cancelled_bits)
    plain = unit.matmul_codes(case.a, case.b, case.c, *scales)
    assert found.result.codes.tolist() == plain.codes.tolist() == expected
    assert (found.result.overflows, found.result.saturations) == (plain.overflows, plain.saturations)
    assert [each.register for each in found.registers] == list(recorder.registers)
    for each in found.registers:
        wanted = recorder.of(each.register)
        assert (each.additions, each.overflows, each.saturations) == (
            wanted.additions, wanted.overflows, wanted.saturations
        )  # fmt: skip
        assert each.largest == float(wanted.largest)
        if each.needed_bits is not None:
            assert each.needed_bits == wanted.bits()
        else:
            lost = each.swamped, each.cancelled, each.underflows
            assert lost == (wanted.swamped, wanted.cancelled, wanted.underflows)


@relaxed
@given(cases("float"))
def test_floats_are_counted_as_the_golden_model_does(case: Case) -> None:
    compare(case, None)


@relaxed
@given(cases("compensated"))
def test_two_words_are_counted_as_the_golden_model_does(case: Case) -> None:
    compare(case, 1)


@relaxed
@given(cases("integer"))
def test_integers_are_counted_as_the_golden_model_does(case: Case) -> None:
    compare(case, None)


def diagnosed(accumulator: object, terms: list[float], c: float | None = None, **more: object):  # type: ignore[no-untyped-def]
    unit = Datapath.model_validate({"operands": {"a": "fp32", "b": "fp16"}, "accumulator": accumulator, **more})
    a = get("fp32").encode(np.array([terms]))
    b = get("fp16").encode(np.ones((len(terms), 1)))
    start = None if c is None else unit.c_format.encode(np.array([[c]]))
    cancelled = more.pop("cancelled_bits", None)
    return unit.diagnose(a, b, start, cancelled_bits=cancelled).registers


def test_swamped_terms() -> None:
    """Half a last place of bf16 at 1 is 2**−8: a tie that goes back to 1; what is larger is not lost."""
    (found,) = diagnosed("bf16", [1, 2.0**-8, 2.0**-8 * (1 + 2.0**-20), -(2.0**-10), 0, 2.0**-30])
    assert (found.additions, found.swamped, found.cancelled) == (6, 3, 0)
    (kept,) = diagnosed({"kind": "kahan", "format": "bf16"}, [1, 2.0**-8, 2.0**-8, 2.0**-20])
    assert kept.swamped == 0


def test_cancellations() -> None:
    """bf16 has 8 bits, so from 1 − (1 − 2**−4) = 2**−4 on half of them have gone."""
    (found,) = diagnosed("bf16", [1, -(1 - 2.0**-4)])
    assert found.cancelled == 1
    (found,) = diagnosed("bf16", [1, -(1 - 2.0**-3)])
    assert found.cancelled == 0
    (found,) = diagnosed("bf16", [1, -1, 1, -0.5, 1])
    assert found.cancelled == 1 and found.largest == 1.5


def test_underflows_and_overflows() -> None:
    (found,) = diagnosed("fp16", [2.0**-24, -(2.0**-24), 2.0**-25, 60000, 60000, 1])
    assert (found.underflows, found.overflows, found.swamped) == (2, 1, 1)
    assert found.largest == 60000
    (clamped,) = diagnosed({"format": "fp16", "overflow": "saturate"}, [60000, 60000])
    assert (clamped.overflows, clamped.saturations, clamped.largest) == (0, 1, 65504)


def test_integers_need_bits() -> None:
    unit = Datapath.model_validate(
        {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"every": 2, "inner": {"bits": 16}, "into": "fp16"}}
    )
    fmt = get("int8")
    a, b = fmt.encode(np.array([[-128.0, -128, 1, 1]])), fmt.encode(np.array([[-128.0], [-128], [1], [0]]))
    inner, outer = unit.diagnose(a, b).registers
    assert (inner.register, inner.needed_bits, inner.overflows, inner.additions) == ("inner", 17, 1, 4)
    assert (inner.largest, inner.swamped, outer.register) == (2.0**15, None, "outer")
    # What wrapped is −2**15; the term 1 that follows is below half a last place of it.
    assert (outer.additions, outer.swamped, outer.largest) == (2, 1, 2.0**15)


def test_other_sums_are_refused() -> None:
    unit = Datapath.model_validate({"operands": {"a": "int8", "b": "int8"}, "accumulator": "int32"})
    with pytest.raises(InputError, match="no sums"):
        unit.diagnose(np.zeros((0, 3), np.uint8), np.zeros((3, 2), np.uint8))


def test_batches_count_together() -> None:
    unit = Datapath.model_validate({"operands": {"a": "bf16", "b": "bf16"}, "accumulator": "e8m3"})
    generator = np.random.default_rng(2)
    a, b = (unit.operands.a.encode(generator.standard_normal(s)) for s in ((3, 4, 9), (3, 9, 2)))
    (whole,) = unit.diagnose(a, b).registers
    parts = [unit.diagnose(a[i], b[i]).registers[0] for i in range(3)]
    for name in ("additions", "swamped", "cancelled", "underflows"):
        assert getattr(whole, name) == sum(getattr(part, name) for part in parts)
    assert unit.diagnose(a, b).result.codes.shape == (3, 4, 2)
