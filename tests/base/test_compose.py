"""The YAML dialect: what each scalar means, what is refused, and that every position is where the text stands."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.base.compose import compose, dotted
from hwsim.base.errors import InputError

SCALARS = {
    "12": 12, "-3": -3, "+4": 4, "1_000": 1000, "0": 0, "0x10": 16, "0o17": 15,
    "1.5": 1.5, "1e3": 1000.0, "-2.5E-3": -0.0025, ".5": 0.5, "5.": 5.0,
    "true": True, "False": False, "~": None, "null": None,
    # YAML 1.1 reads these as booleans, a base-60 number, a date and a binary number; here they are text.
    "yes": "yes", "no": "no", "on": "on", "off": "off", "1:30": "1:30", "2026-01-02": "2026-01-02", "0b11": "0b11",
    "7nm": "7nm", "1 GHz": "1 GHz", "e4m3": "e4m3", "12e": "12e", ".": ".", "-": None,
    "'12'": "12", '"true"': "true", '"tab\\tinside"': "tab\tinside",
}  # fmt: skip


@pytest.mark.parametrize("text", [text for text in SCALARS if text != "-"])
def test_scalar(text):
    found = compose(f"key: {text}", "f").data["key"]
    assert found == SCALARS[text]
    assert type(found) is type(SCALARS[text])


REFUSED = {
    "a:\n\tb: 1": (2, 1, "tab"),
    "a: {b: 1,\n\tc: 2}": (2, 1, "tab"),
    "a: 1\nb: 2\na: 3": (3, 1, "duplicate key 'a', first on line 1"),
    "x: {a: 1, a: 2}": (1, 11, "x: duplicate key 'a'"),
    "a: &anchor 1": (1, 4, "anchors"),
    "&k a: 1": (1, 1, "anchors"),
    "a: *alias": (1, 4, "aliases"),
    "a: !!python/object:os.system x": (1, 4, "tags"),
    "a: 010": (1, 4, "octal"),
    "a: .inf": (1, 4, "finite"),
    "a: .NaN": (1, 4, "finite"),
    "a: 1e999": (1, 4, "finite"),
    "a: 1\n---\nb: 2": (2, 1, "second document"),
    "a: " + "[" * 100: (1, 68, "64 levels"),
    "a: " + "{b: " * 100: (1, 260, "64 levels"),
    "? [1, 2]\n: x": (1, 3, "word"),
    "a: [1, 2": (2, 1, "not closed"),
    "a: {b: 1": (2, 1, "not closed"),
    "a: 'text": (1, 9, "not closed"),
    "a: b: c": (1, 5, "':'"),
    "a: @b": (1, 4, "quote"),
    "a: x\x00y": (1, 5, "U+0000"),
    "a: \x1b[31m": (1, 4, "U+001B"),
    "a:\n  - 1\n  b: 2": (3, 3, "indentation"),
}


@pytest.mark.parametrize("text", REFUSED, ids=range(len(REFUSED)))
def test_refused_with_its_place(text):
    line, column, words = REFUSED[text]
    with pytest.raises(InputError) as error:
        compose(text, "file.yaml")
    message = str(error.value)
    assert words in message
    assert "\n" not in message
    if words != "not closed":  # parsers differ by a column in where an unfinished text ends
        assert message.startswith(f"file.yaml:{line}:{column}: ")
    assert message.startswith("file.yaml:")


def test_an_alias_bomb_is_refused_at_its_first_anchor():
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    with pytest.raises(InputError, match=r"f:1:5: anchors"):
        compose("\n".join(rows), "f")


KEYS = st.text(string.ascii_letters + "_é×", min_size=1, max_size=6)
LEAVES = st.sampled_from(["1", "-2.5", "text", "1 MiB", "true", "é×"])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(KEYS, inner, min_size=1, max_size=3),
    max_leaves=12,
)


def written(tree, location=(), line=1, column=1):
    """The golden emitter: lines of block YAML with the positions of all values and keys."""
    values, keys = {location: (line, column)}, {}
    if isinstance(tree, str):
        return [tree], values, keys
    lines = []
    for part, inner in tree.items() if isinstance(tree, dict) else enumerate(tree):
        here = line + len(lines)
        if isinstance(tree, dict):
            keys[(*location, part)] = (here, column)
        head = f"{part}:" if isinstance(tree, dict) else "-"
        nested = not isinstance(inner, str)
        # A scalar follows on the same line, a collection on the next one, two columns in.
        at = (here + 1, column + 2) if nested else (here, column + len(head) + 1)
        body, inner_values, inner_keys = written(inner, (*location, part), *at)
        lines += [head, *(f"  {row}" for row in body)] if nested else [f"{head} {body[0]}"]
        values |= inner_values
        keys |= inner_keys
    return lines, values, keys


@given(st.dictionaries(KEYS, TREES, min_size=1, max_size=3))
def test_every_position_is_where_the_text_stands(tree):
    lines, values, keys = written(tree)
    found = compose("\n".join(lines), "f")
    assert found.values == values
    assert found.keys == keys


def test_byte_order_mark_is_not_text():
    assert compose("\ufeffa: 1", "f").keys == {("a",): (1, 1)}


def test_dotted():
    assert dotted(("compute", "pe", "x")) == "compute.pe.x"
    assert dotted(("operators", 2, "a b")) == "operators[2].a b"
    assert "\n" not in dotted(("a\nb",))
