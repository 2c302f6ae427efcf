"""Files that cannot be read as a description give one line; what can keeps its text and positions."""

import os

import pytest

from hwsim.base.document import MAX_BYTES, read_document
from hwsim.base.errors import InputError


def refusal(path):
    with pytest.raises(InputError) as error:
        read_document(path)
    assert "\n" not in str(error.value)
    return str(error.value)


def test_reads_with_text_and_positions(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("one: 1\ntwo: {three: 3}\n")
    document = read_document(file)
    assert document.data == {"one": 1, "two": {"three": 3}}
    assert document.text == file.read_text()
    assert document.position(("two", "three")) == (2, 14)
    assert document.key_position(("two", "three")) == (2, 7)
    assert document.position(("two", "three", "deeper")) == (2, 14)  # the nearest value around it


def test_the_path_is_shown_as_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.yaml").write_text("a: 1\na: 2\n")
    assert refusal("./a.yaml").startswith("./a.yaml:2:1: ")


def test_missing_file_and_its_nearest_neighbour(tmp_path):
    (tmp_path / "systolic.yaml").write_text("a: 1")
    assert refusal(tmp_path / "sistolic.yaml").endswith("no such file; did you mean 'systolic.yaml'?")
    assert refusal(tmp_path / "nowhere" / "x.yaml").endswith("no such file")


def test_not_a_regular_file(tmp_path):
    assert "is a folder" in refusal(tmp_path)
    assert "not a regular file" in refusal("/dev/null")
    os.mkfifo(tmp_path / "pipe")
    assert "not a regular file" in refusal(tmp_path / "pipe")


def test_unreadable_names():
    assert "null byte" in refusal("a\0b")
    assert "cannot be read" in refusal("x" * 5000)


def test_oversize_is_told_by_its_size_alone(tmp_path):
    file = tmp_path / "big.yaml"
    with file.open("wb") as big:
        big.truncate(100 << 20)  # sparse: reading it would cost, looking at it does not
    assert "100.0 MiB is more than the 8.0 MiB" in refusal(file)
    file.write_bytes(b"a: 1\n#" + b"x" * (MAX_BYTES - 6))
    assert read_document(file).data == {"a": 1}


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "null\n"])
def test_empty(tmp_path, text):
    (tmp_path / "e.yaml").write_text(text)
    assert "the file is empty" in refusal(tmp_path / "e.yaml")


@pytest.mark.parametrize(("text", "got"), [("- 1\n- 2\n", "a list"), ("word\n", "a single value"), ("12", "a single")])
def test_top_is_no_mapping(tmp_path, text, got):
    (tmp_path / "t.yaml").write_text(text)
    assert f":1:1: expected keys and values at the top, got {got}" in refusal(tmp_path / "t.yaml")


def test_not_utf8(tmp_path):
    file = tmp_path / "latin.yaml"
    file.write_bytes("a: 1\nbé: ".encode() + b"\xff")
    assert ":2:5: byte 0xff is not UTF-8" in refusal(file)
    file.write_bytes("a: 1".encode("utf-16"))
    assert ":1:1: byte 0xff is not UTF-8" in refusal(file)
