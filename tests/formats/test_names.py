"""Names: the catalogue, patterns, aliases, and what a misspelt one says."""

import math
import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from hwsim.base.errors import InputError
from hwsim.base.record import Record
from hwsim.formats import FormatName, IntegerFormat, blocks, entries, get, names, register


def test_every_entry_has_a_source_and_its_names():
    for name, entry in entries().items():
        assert name == entry.format.name and len(entry.source) > 10
        for alias in (name, *entry.aliases):
            assert get(alias) is entry.format
    assert names() == [*entries(), *blocks()]
    assert all(get(name) is fmt for name, fmt in blocks().items())


# Limits as their documents print them: OCP OFP8 and MX 1.0, IEEE 754-2019 table 3.5, ml_dtypes' README.
@pytest.mark.parametrize(
    ("name", "bits", "largest", "min_normal", "min_subnormal"),
    [
        ("fp64", 64, 1.7976931348623157e308, 2.0**-1022, 2.0**-1074),
        ("fp32", 32, (2 - 2.0**-23) * 2.0**127, 2.0**-126, 2.0**-149),
        ("tf32", 19, (2 - 2.0**-10) * 2.0**127, 2.0**-126, 2.0**-136),
        ("bf16", 16, (2 - 2.0**-7) * 2.0**127, 2.0**-126, 2.0**-133),
        ("fp16", 16, 65504, 2.0**-14, 2.0**-24),
        ("e4m3fn", 8, 448, 2.0**-6, 2.0**-9),
        ("e4m3", 8, 240, 2.0**-6, 2.0**-9),
        ("e5m2", 8, 57344, 2.0**-14, 2.0**-16),
        ("e4m3fnuz", 8, 240, 2.0**-7, 2.0**-10),
        ("e5m2fnuz", 8, 57344, 2.0**-15, 2.0**-17),
        ("e3m4", 8, 15.5, 2.0**-2, 2.0**-6),
        ("e2m3fn", 6, 7.5, 1, 0.125),
        ("e3m2fn", 6, 28, 0.25, 0.0625),
        ("e2m1fn", 4, 6, 1, 0.5),
        ("e8m0fnu", 8, 2.0**127, 2.0**-127, 2.0**-127),
        ("ue4m3", 7, 448, 2.0**-6, 2.0**-9),
        ("ue5m3", 8, 114688, 2.0**-14, 2.0**-17),
    ],
)
def test_limits_of_floats(name, bits, largest, min_normal, min_subnormal):
    fmt = get(name)
    assert (fmt.bits, fmt.max, fmt.min_normal, fmt.min_subnormal) == (bits, largest, min_normal, min_subnormal)
    assert fmt.eps == 2.0 ** (1 - fmt.precision) and fmt.emin == math.log2(min_normal)
    assert fmt.emax == math.frexp(largest)[1] - 1


@pytest.mark.parametrize(
    ("name", "bits", "least", "largest", "eps"),
    [
        ("int8", 8, -128, 127, 1),
        ("int8_symmetric", 8, -127, 127, 1),
        ("uint8", 8, 0, 255, 1),
        ("int2", 2, -2, 1, 1),
        ("int64", 64, -(2.0**63), 2**63 - 1, 1),
        ("q4.4", 8, -8, 7.9375, 0.0625),
        ("uq4.4", 8, 0, 15.9375, 0.0625),
        ("q1.15", 16, -1, 1 - 2.0**-15, 2.0**-15),
    ],
)
def test_limits_of_integers_and_fixed_point(name, bits, least, largest, eps):
    fmt = get(name)
    assert (fmt.bits, fmt.min, fmt.max, fmt.eps) == (bits, least, largest, eps)


def test_patterns_make_what_the_catalogue_has():
    for pattern, name in (
        ("e5m10", "fp16"),
        ("e8m7", "bf16"),
        ("e8m23", "fp32"),
        ("e11m52", "fp64"),
        ("e8m10", "tf32"),
    ):
        assert get(pattern).params.tolist() == get(name).params.tolist()
    assert get("e4m3").max == 240 and get("int12") == IntegerFormat("int12", 12)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("e4m3fm", "unknown format 'e4m3fm'; did you mean 'e4m3fn'?"),
        ("bfloat17", "unknown format 'bfloat17'; did you mean 'bfloat16'?"),
        ("fp17", "unknown format 'fp17'; did you mean 'fp"),
        ("INT8", "unknown format 'INT8'; did you mean 'int8'?"),
        ("e12m3", "float format 'e12m3': expected 1 to 11 exponent bits"),
        ("int65", "integer format 'int65': expected 2 to 64 bits, got 65"),
        ("int1", "expected 2 to 64 bits, got 1"),
        ("q60.4", "expected 1 to 53 bits"),
        ("", "unknown format ''"),
        (8, "expected the name of a number format, got 8"),
        (None, "expected the name of a number format, got None"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(InputError) as caught:
        get(name)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match="two formats are named 'float16'"):
        register(IntegerFormat("float16", 16), "nowhere")


class _Operands(Record):
    a: FormatName
    b: FormatName | None = None


def test_as_a_field_of_a_record():
    operands = _Operands(a="float8_e4m3fn")
    assert operands.a is get("e4m3fn")
    assert operands.model_dump_json() == '{"a":"e4m3fn","b":null}'
    assert _Operands.model_validate_json('{"a": "int8", "b": "q4.4"}').b == get("q4.4")
    assert _Operands(a=get("fp16")).a is get("fp16")
    assert hash(operands) == hash(_Operands(a="e4m3fn"))
    schema = _Operands.model_json_schema()
    assert [way["type"] for way in schema["properties"]["a"]["anyOf"]] == ["string", "object"]
    with pytest.raises(ValidationError, match="did you mean 'e4m3fn'"):
        _Operands(a="e4m3fm")
    assert TypeAdapter(FormatName).validate_python("bf16").bits == 16


def test_importing_formats_stays_light():
    script = (
        "import sys, hwsim.formats as f; f.get('e4m3fn').max; f.names();"
        "print([m for m in ('numba', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
