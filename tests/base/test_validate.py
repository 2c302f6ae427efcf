"""Errors of pydantic as one line each: the place, what was expected, what came, the nearest name."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import BeforeValidator, Field, model_validator

from hwsim.base.document import parse_document
from hwsim.base.errors import InputError
from hwsim.base.quantities import Bytes
from hwsim.base.record import Record
from hwsim.base.registry import OneOf, Registry
from hwsim.base.validate import LocatedError, validate


class Percentile(Record):
    percentile: float


class Array(Record):
    kind: Literal["array"] = "array"
    rows: int = Field(ge=1)
    bits: Annotated[int, BeforeValidator(lambda value: value), Field(ge=2, le=64)] = 8
    size: Bytes = 64
    scale: Literal["absmax", "mean"] | Percentile = "absmax"
    fast: bool = False
    start: int = Field(default=0, alias="from")


class Lanes(Record):
    kind: Literal["lanes"] = "lanes"
    lanes: int
    name: str = Field(default="", max_length=4)


class _Units(Registry[Any]):
    def items(self):
        return {"array": Array, "lanes": Lanes}


Unit = Annotated[Any, OneOf(_Units("unit", ""))]


class Chip(Record):
    unit: Unit
    others: dict[str, Unit] = Field(default_factory=dict)
    steps: list[Percentile] = Field(default_factory=list)
    pair: tuple[int, int] = (1, 1)

    @model_validator(mode="after")
    def _no_seven(self):
        if self.steps and self.steps[0].percentile == 7:
            raise LocatedError(("steps", 0, "percentile"), "seven is taken")
        if self.pair == (3, 3):
            raise ValueError("three and three do not fit")
        return self


MESSAGES = {
    "unit: {kind: array}": "1:7: unit: missing key 'rows'",
    "unit: array": "1:7: unit: missing key 'rows'",
    "{}": "1:1: missing key 'unit'",
    "unit: {kind: array, rows: 1}\nunits: 3": "2:1: unknown key 'units'; did you mean 'unit'?",
    # Misspelt and therefore missing: the misspelling is the problem to tell.
    "unit: {kind: array, row: 1}": "1:21: unit: unknown key 'row'; did you mean 'rows'?",
    "unit: {kind: array, rows: 1, form: 1}": "1:30: unit: unknown key 'form'; did you mean 'from'?",
    "unit: {kind: aray, rows: 1}": "1:14: unit.kind: unknown kind 'aray'; did you mean 'array'?",
    "unit: aray": "1:7: unit: unknown kind 'aray'; did you mean 'array'?",
    "unit: {rows: 1}": "1:7: unit: missing key 'kind'; known: array, lanes",
    "unit: 5": "1:7: unit: expected keys and values, got 5",
    "unit:": "1:6: unit: expected keys and values, got nothing",
    "unit: {kind: array, rows: wide}": "1:27: unit.rows: expected an integer of at least 1, got 'wide'",
    "unit: {kind: array, rows: 0}": "1:27: unit.rows: expected an integer of at least 1, got 0",
    "unit: {kind: array, rows: 1.5}": "1:27: unit.rows: expected an integer of at least 1, got 1.5",
    "unit: {kind: array, rows: true}": "1:27: unit.rows: expected a number, got true",
    "unit: {kind: array, rows: [1]}": "1:27: unit.rows: expected an integer of at least 1, got a list of 1",
    "unit: {kind: array, rows: {}}": "1:27: unit.rows: expected an integer of at least 1, got an empty mapping",
    "unit: {kind: array, rows: 1, bits: 99}": "1:36: unit.bits: expected an integer between 2 and 64, got 99",
    "unit: {kind: array, rows: 1, bits: x}": "1:36: unit.bits: expected an integer between 2 and 64, got 'x'",
    "unit: {kind: array, rows: 1, size: -1 MiB}": "1:36: unit.size: expected an integer above 0, got '-1 MiB'",
    "unit: {kind: array, rows: 1, size: 1 MiBs}":
        "1:36: unit.size: unknown unit 'MiBs', expected B with a prefix, such as '1 MiB'",
    "unit: {kind: array, rows: 1, fast: maybe}": "1:36: unit.fast: expected true or false, got 'maybe'",
    "unit: {kind: array, rows: 1, scale: absmx}":
        "1:37: unit.scale: expected one of 'absmax' or 'mean', got 'absmx'; did you mean 'absmax'?",
    "unit: {kind: array, rows: 1, scale: {percentile: x}}": "1:50: unit.scale.percentile: expected a number, got 'x'",
    "unit: {kind: array, rows: 1, scale: {percentil: 9}}":
        "1:38: unit.scale: unknown key 'percentil'; did you mean 'percentile'?",
    "unit: {kind: lanes, lanes: 1, name: 5}": "1:37: unit.name: expected text, got 5",
    "unit: {kind: lanes, lanes: 1, name: abcde}": "1:37: unit.name: expected at most 4 characters, got 'abcde'",
    "unit: {kind: lanes, lanes: 1}\nothers:\n  a: {kind: lanes}": "3:6: others.a: missing key 'lanes'",
    "unit: {kind: lanes, lanes: 1}\nothers: [1]": "2:9: others: expected keys and values, got a list of 1",
    "unit: {kind: lanes, lanes: 1}\nsteps:\n- {percentile: 1}\n- {percentile: y}":
        "4:16: steps[1].percentile: expected a number, got 'y'",
    "unit: {kind: lanes, lanes: 1}\nsteps: {}": "2:8: steps: expected a list, got an empty mapping",
    "unit: {kind: lanes, lanes: 1}\npair: [1, z]": "2:11: pair[1]: expected an integer, got 'z'",
    "unit: {kind: lanes, lanes: 1}\npair: [1]": "2:7: pair: missing entry 2 of the list",
    "unit: {kind: lanes, lanes: 1}\nsteps: [{percentile: 7}]": "2:22: steps[0].percentile: seven is taken",
    "unit: {kind: lanes, lanes: 1}\npair: [3, 3]": "1:1: three and three do not fit",
    # Of several problems, the first in the file.
    "unit: {kind: lanes, lanes: x}\npair: [y, z]": "1:28: unit.lanes: expected an integer, got 'x'",
}  # fmt: skip


@pytest.mark.parametrize("text", MESSAGES, ids=range(len(MESSAGES)))
def test_message(text):
    with pytest.raises(InputError) as error:
        validate(Chip, parse_document(text, "chip.yaml"))
    assert str(error.value) == f"chip.yaml:{MESSAGES[text]}"


def test_what_is_right_is_accepted():
    chip = validate(Chip, parse_document("unit: {kind: array, rows: 1e1, fast: yes, from: 2}\npair: [1, 2]", "f"))
    assert chip.unit == Array(**{"rows": 10, "fast": True, "from": 2})


def test_long_values_are_cut_and_the_message_stays_one_line():
    text = f"unit: {{kind: lanes, lanes: '{'x' * 500} \\n'}}".replace("'", '"')
    with pytest.raises(InputError) as error:
        validate(Chip, parse_document(text, "f"))
    assert len(str(error.value)) < 140
    assert "\n" not in str(error.value)


def test_errors_raised_below_pydantic_get_the_file():
    class Refuses(Record):
        value: Annotated[int, BeforeValidator(lambda value: (_ for _ in ()).throw(InputError("no such thing")))]

    with pytest.raises(InputError, match=r"^f\.yaml: no such thing$"):
        validate(Refuses, parse_document("value: 1", "f.yaml"))
