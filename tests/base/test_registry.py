"""Parts find themselves; a field that takes one of them accepts a mapping, a name or an instance."""

import sys
from typing import Annotated, Any, Literal

import pytest
from pydantic import ValidationError

from hwsim.base.errors import InputError
from hwsim.base.record import Record
from hwsim.base.registry import OneOf, Registry


@pytest.fixture
def shapes(tmp_path, monkeypatch):
    package = tmp_path / "shape_parts"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "round.py").write_text(
        "import sys\nsys.modules['shape_registry'].shapes.register('round')('a circle')\n"
    )
    registry = Registry("shape", "shape_parts")
    holder = type(sys)("shape_registry")
    holder.shapes = registry
    monkeypatch.setitem(sys.modules, "shape_registry", holder)
    monkeypatch.syspath_prepend(tmp_path)
    yield registry
    for name in [name for name in sys.modules if name.startswith("shape_parts")]:
        del sys.modules[name]


def test_a_new_file_in_the_package_is_found(shapes):
    assert shapes.names() == ["round"]
    assert shapes.get("round") == "a circle"


def test_unknown_name_gets_the_nearest(shapes):
    with pytest.raises(InputError, match=r"unknown shape 'rond'; did you mean 'round'\?"):
        shapes.get("rond")


def test_a_name_is_taken_once(shapes):
    shapes.register("square")("a square")
    shapes.register("square")("a square")  # the same part again: a module imported twice
    with pytest.raises(ValueError, match="two shapes are named 'square'"):
        shapes.register("square")("another")


def test_items_are_in_the_order_of_their_names(shapes):
    shapes.register("zigzag")(1)
    shapes.register("arc")(2)
    assert list(shapes.items()) == ["arc", "round", "zigzag"]


class Plain(Record):
    kind: Literal["plain"] = "plain"


class Sized(Record):
    kind: Literal["sized"] = "sized"
    size: int


class _Parts(Registry[Any]):
    def items(self):
        return {"plain": Plain, "sized": Sized}


class Holder(Record):
    part: Annotated[Any, OneOf(_Parts("part", ""), default="sized")]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ({"kind": "sized", "size": 3}, Sized(size=3)),
        ({"size": 3}, Sized(size=3)),
        ("plain", Plain()),
        (Plain(), Plain()),
    ],
)
def test_one_of(written, meant):
    assert Holder(part=written).part == meant


@pytest.mark.parametrize("written", ["sized", "round", {"kind": "round"}, {"kind": "plain", "size": 3}, 7, None])
def test_one_of_refuses(written):
    with pytest.raises(ValidationError):
        Holder(part=written)
