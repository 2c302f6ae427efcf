"""Random datapaths and operands for the tests that compare kernels with the golden model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from pydantic import ValidationError

from hwsim.base.errors import InputError
from hwsim.datapath import Datapath
from hwsim.formats import get

FLOATS = [
    "e4m3fn",
    "e5m2",
    "e4m3",
    "e4m3fnuz",
    "e5m2fnuz",
    "e2m3fn",
    "e3m2fn",
    "e2m1fn",
    "fp16",
    "bf16",
    "tf32",
    "fp32",
]
FLOATS += ["e3m4", "e6m9", "e2m5", "e8m13", "ue4m3"]
INTEGERS = ["int4", "int5", "int8", "int12", "int16", "uint4", "uint8", "q4.4", "q2.6", "uq0.8"]
SUMS = [
    "fp32",
    "fp16",
    "bf16",
    "tf32",
    "e8m13",
    "e5m6",
    "e6m20",
    "e11m40",
    "e4m3",
    "e4m3fn",
    "e5m2",
    "e4m3fnuz",
    "e2m1fn",
]
ROUNDINGS = ["rne", "rna", "rz", "ru", "rd"]
RANDOM_ROUNDINGS = ["stochastic", "stochastic_a", "stochastic_b", "stochastic_c", "equal_probability"]
ALIGNMENTS = ["truncate", "floor", "rne", "rna", "sticky"]
OTHERS = ["posit8", "posit16", "takum_linear8", "nf4", "abfloat_e2m1b2", "pot4", "bipolar4", "lns8_0"]
SCALES = ["e8m0fnu", "ue4m3", "ue5m3"]


@dataclass
class Case:
    """A datapath with operands for one product."""

    datapath: Datapath
    a: np.ndarray
    b: np.ndarray
    c: np.ndarray | None
    scales: tuple[np.ndarray, np.ndarray] | None = None


overflows = {"overflow": st.sampled_from(["inf", "saturate", "always_inf"]), "flush": st.booleans()}
float_accumulators = st.one_of(
    st.fixed_dictionaries(
        {"format": st.sampled_from(SUMS), "rounding": st.sampled_from([*ROUNDINGS, "odd"])}, optional=overflows
    ),
    st.fixed_dictionaries(
        {"format": st.sampled_from(SUMS), "rounding": st.sampled_from(RANDOM_ROUNDINGS)},
        optional=overflows
        | {"seed": st.sampled_from([0, 1, 1 << 40, (1 << 64) - 1]), "random_bits": st.sampled_from([1, 2, 7, 24, 32])},
    ),
)
integer_accumulators = st.fixed_dictionaries(
    {"bits": st.integers(2, 64), "overflow": st.sampled_from(["wrap", "saturate"])}
)
compensated_accumulators = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.sampled_from(["kahan", "two_sum", "two_word"]), "format": st.sampled_from(SUMS)},
        optional=overflows | {"rounding": st.sampled_from(ROUNDINGS)},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("two_word"), "format": st.sampled_from(SUMS), "result": st.sampled_from(SUMS)},
        optional={"rounding": st.sampled_from(ROUNDINGS)},
    ),
)
one_by_one = st.one_of(
    st.just("sequential"),
    st.fixed_dictionaries(
        {"kind": st.just("sequential"), "fused": st.just(False)},
        optional={"product": st.sampled_from(SUMS), "product_rounding": st.sampled_from(ROUNDINGS)},
    ),
)
reductions = st.one_of(
    one_by_one,
    st.fixed_dictionaries(
        {"kind": st.just("tree"), "lanes": st.sampled_from([1, 2, 3, 4, 7, 8])},
        optional={
            "format": st.sampled_from(SUMS),
            "levels": st.lists(st.sampled_from(SUMS), max_size=3).map(tuple),
            "rounding": st.sampled_from(ROUNDINGS),
            "product": st.sampled_from(SUMS),
        },
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("fused"),
            "lanes": st.sampled_from([1, 2, 3, 4, 8, 16]),
            "align_bits": st.sampled_from([1, 2, 5, 10, 13, 23, 25, 35]),
            "align": st.sampled_from(ALIGNMENTS),
        },
        optional={"zero_exponent": st.sampled_from([-133, -20, -3, 0, 4])},
    ),
    st.fixed_dictionaries(
        {
            "kind": st.just("fused"),
            "lanes": st.sampled_from([2, 4, 6, 8]),
            "align_bits": st.sampled_from([1, 3, 8, 24]),
            "align": st.sampled_from(ALIGNMENTS),
        },
        optional={
            "zero_exponent": st.sampled_from([-999, -133, -3, 4]),
            "groups": st.fixed_dictionaries(
                {"count": st.sampled_from([1, 2]), "members": st.sampled_from(["contiguous", "interleaved"])},
                optional={"align_bits": st.sampled_from([1, 4, 20]), "align": st.sampled_from(ALIGNMENTS)},
            ),
            "late": st.fixed_dictionaries(
                {
                    "align_bits": st.sampled_from([2, 6, 24]),
                    "sum_align_bits": st.sampled_from([1, 8, 32]),
                    "align": st.sampled_from(ALIGNMENTS),
                },
                optional={"zero_exponent": st.sampled_from([-126, -4]), "drop_below": st.sampled_from([0, 3, 25])},
            ),
            "normalized_bits": st.sampled_from([1, 5, 31]),
            "product_limit": st.sampled_from([1, 5, 128]),
            "negative_zero": st.sampled_from(["never", "underflow"]),
        },
    ),
    st.fixed_dictionaries({"kind": st.just("exact")}, optional={"lanes": st.integers(1, 5)}),
)
# Few operand formats for multipliers that are not exact: each pair of narrow ones needs a table of all products.
table_operands = {
    "float": [("e4m3fn", "e4m3fn"), ("e2m1fn", "e3m2fn"), ("fp16", "e5m2"), ("bf16", "bf16"), ("fp32", "tf32")],
    "integer": [("int4", "uint4"), ("q2.2", "int5"), ("int12", "int16"), ("q4.4", "q6.10"), ("uint16", "uint8")],
}
compensations = st.sampled_from(["none", "constant", "variable"])
inexact: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "lmul": st.fixed_dictionaries({"form": st.sampled_from(["addition", "formula"])}),
    "mitchell": st.just({}),
    "truncated": st.fixed_dictionaries({"columns": st.integers(1, 12), "compensation": compensations}),
    "shift_add": st.fixed_dictionaries(
        {"terms": st.sampled_from([None, 1, 2, 5]), "digits": st.sampled_from(["binary", "signed"])}
    ),
    "rounded": st.fixed_dictionaries(
        {"format": st.sampled_from([*SUMS, "int9", "q6.2", "uint7"]), "rounding": st.sampled_from(ROUNDINGS)}
    ),
}
# Exact by structure, of any operands.
structures = st.one_of(
    st.fixed_dictionaries({"kind": st.just("booth"), "radix": st.sampled_from([4, 8])}),
    st.fixed_dictionaries(
        {"kind": st.just("serial"), "digit_bits": st.integers(1, 5), "serial": st.sampled_from(["a", "b", "both"])}
    ),
    st.fixed_dictionaries(
        {"kind": st.just("slices"), "slice_bits": st.sampled_from([1, 2, 4, 8]), "widest": st.just(16)},
        optional={"fp16": st.just(True), "composition": st.sampled_from(["spatial", "temporal", "separate"])},
    ),
    st.sampled_from([{"kind": "lut"}, {"kind": "lut", "halved": True}, {"kind": "lut_group"}, {"kind": "shift"}]),
)


@st.composite
def multipliers(draw: st.DrawFn) -> dict[str, Any]:
    """A multiplier that is not exact."""
    kind = draw(st.sampled_from(sorted(inexact)))
    return {"kind": kind, **draw(inexact[kind])}


def codes(number_format: Any, shape: tuple[int, int]) -> st.SearchStrategy[np.ndarray]:
    """Codes of any value, with the limits of the format more often than by chance."""
    top = 1 << (number_format.bits - 1)
    limits = [0, 1, top - 1, top, top + 1, 2 * top - 1]
    if number_format.kind == "float":
        ordinary = [1.0, -1.0, 1.5, -0.375, number_format.max, -number_format.max, number_format.smallest]
        limits += [int(code) for code in number_format.encode(np.array(ordinary), overflow="saturate")]
    code = st.one_of(st.sampled_from(limits), st.integers(0, 2 * top - 1))
    size = shape[0] * shape[1]
    return st.lists(code, min_size=size, max_size=size).map(
        lambda drawn: np.array(drawn, np.uint64).astype(number_format.code_dtype).reshape(shape)
    )


@st.composite
def near_codes(draw: st.DrawFn, number_format: Any, shape: tuple[int, int]) -> np.ndarray:
    """Codes of numbers of one size, whose sums neither overflow at once nor lose all but one term."""
    seed, power = draw(st.integers(0, 1 << 20)), draw(st.integers(-6, 6))
    x = np.random.default_rng(seed).standard_normal(shape) * 2.0**power
    return np.asarray(number_format.encode(x, overflow="saturate"))


@st.composite
def cases(draw: st.DrawFn, accumulators: str = "float") -> Case:
    """A datapath of any combination of parts that is accepted, and operands for it."""
    fields = draw(_fields(accumulators))
    try:
        datapath = Datapath.model_validate(fields)
    except (ValidationError, InputError):  # the parts do not fit together, which test_records tests
        from hypothesis import reject

        reject()
    m, n, k = draw(st.tuples(st.integers(1, 3), st.integers(1, 3), st.sampled_from([1, 2, 3, 5, 9, 17])))
    k = k if datapath.order is None else k * len(datapath.order)
    operands = datapath.operands
    pick = near_codes if draw(st.booleans()) else codes
    a, b = draw(pick(operands.a, (m, k))), draw(pick(operands.b, (k, n)))
    c = draw(codes(datapath.c_format, (m, n))) if draw(st.booleans()) else None
    scales = None
    if operands.scale is not None:
        blocks = -(-k // operands.scale_block)
        scales = draw(codes(operands.scale, (m, blocks))), draw(codes(operands.scale, (blocks, n)))
    return Case(datapath, a, b, c, scales)


@st.composite
def _fields(draw: st.DrawFn, accumulators: str) -> dict[str, Any]:
    held = draw(st.booleans()) if accumulators == "compensated" else False
    inner = integer_accumulators if accumulators == "integer" else float_accumulators
    accumulator = draw(compensated_accumulators if held else inner)
    if accumulators == "compensated":
        outer = compensated_accumulators
        if not held or draw(st.booleans()):
            accumulator = {"every": draw(st.integers(1, 6)), "inner": accumulator, "into": draw(outer)}
        accumulators = "float"
    elif draw(st.integers(0, 3)) == 0:
        outer = integer_accumulators if accumulators == "integer" and draw(st.booleans()) else float_accumulators
        accumulator = {"every": draw(st.integers(1, 6)), "inner": accumulator, "into": draw(outer)}
    numbers = st.sampled_from(INTEGERS if accumulators == "integer" else FLOATS + INTEGERS[:3])
    fields: dict[str, Any] = {"accumulator": accumulator, "reduction": draw(one_by_one if held else reductions)}
    a, b = draw(numbers), draw(numbers)
    choice = draw(st.integers(0, 7))
    if choice == 0:
        fields["multiplier"] = draw(structures)
    elif choice <= 2:
        fields["multiplier"] = draw(multipliers())
        a, b = draw(st.sampled_from(table_operands[accumulators]))
    if accumulators == "integer":
        fields["reduction"] = draw(st.sampled_from(["sequential", "exact", {"kind": "tree", "lanes": 3}]))
    if accumulators == "float" and draw(st.integers(0, 5)) == 0:
        a, b = draw(st.sampled_from(OTHERS)), draw(st.sampled_from([*OTHERS, "int8", "e4m3fn"]))
    fields["operands"] = {"a": a, "b": b}
    draw(_extras(fields))
    if draw(st.integers(0, 3)) == 0:
        fields["output"] = {"format": draw(st.sampled_from([*SUMS, "int8", "q4.4", "uint8"])), "nan": "max"}
    if draw(st.integers(0, 3)) == 0 and accumulators == "float":
        fields["operands"]["c"] = draw(st.sampled_from(SUMS))
    return fields


@st.composite
def _extras(draw: st.DrawFn, fields: dict[str, Any]) -> None:
    """Flushed, converted, reordered and scaled operands, each now and then."""
    operands = fields["operands"]
    if draw(st.integers(0, 4)) == 0:
        operands["flush"] = True
    if draw(st.integers(0, 5)) == 0:
        operands["convert"] = draw(st.sampled_from(["fp16", "bf16", "fp32"]))
    order = draw(st.sampled_from([None, None, None, (1, 0), (2, 0, 3, 1)]))
    if order is not None:
        fields["order"] = order
    if draw(st.integers(0, 2)) == 0:
        operands |= {"scale": draw(st.sampled_from(SCALES)), "scale_block": draw(st.sampled_from([2, 4, 6, 8]))}
        if isinstance(fields["reduction"], dict) and "groups" in fields["reduction"] and draw(st.booleans()):
            fields["reduction"]["groups"] = fields["reduction"]["groups"] | {"scaled": True}
        if "every" in fields["accumulator"]:
            fields["accumulator"]["every"] = operands["scale_block"]


__all__ = ["Case", "cases", "get"]
