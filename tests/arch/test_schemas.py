"""The committed JSON Schemas are what the records say, accept what is shipped, and refuse what is misspelt."""

import json

import jsonschema
import pytest

from hwsim.base.document import read_document
from hwsim.base.shipped import FOLDERS, folder, shipped
from hwsim.cli.schema import schema_of

KINDS = {
    "archs": "arch",
    "workloads": "workload",
    "studies": "study",
    "matrix_units": "matrix_unit",
    "gemm_orders": "gemm_order",
}
FILES = [(kind, name) for kind in KINDS for name in shipped(kind)]


def committed(kind):
    return json.loads((folder(kind) / f"{KINDS[kind]}.schema.json").read_text())


@pytest.mark.parametrize("kind", KINDS)
def test_committed_schema_is_current(kind):
    assert committed(kind) == schema_of(KINDS[kind]), "run `make schema`"
    jsonschema.Draft202012Validator.check_schema(committed(kind))


def test_committed_schema_of_mappings_is_current():
    committed = json.loads((folder("archs") / "mappings.schema.json").read_text())
    assert committed == schema_of("mappings"), "run `make schema`"
    jsonschema.Draft202012Validator.check_schema(committed)


@pytest.mark.parametrize(("kind", "name"), FILES, ids=str)
def test_shipped_file_names_its_schema_and_satisfies_it(kind, name):
    path = shipped(kind)[name]
    head = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert f"# yaml-language-server: $schema={KINDS[kind]}.schema.json" in head
    assert (path.parent / f"{KINDS[kind]}.schema.json").is_file()
    jsonschema.Draft202012Validator(committed(kind)).validate(read_document(path).data)


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        ("archs", "compute"),
        ("archs", "memories"),
        ("workloads", "operators"),
        ("studies", "vary"),
        ("matrix_units", "instructions"),
    ],
)
def test_schema_refuses_a_misspelt_key(kind, key):
    data = dict(read_document(next(iter(shipped(kind).values()))).data)
    data[f"{key}x"] = data.pop(key)
    assert not jsonschema.Draft202012Validator(committed(kind)).is_valid(data)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "sistolic"}, {"rows": 0}, {"rows": "many"}, {"rowz": 3},
        {"pe": {"operands": {"a": "int8"}, "accumulator": {"bits": 24}}},
        {"pe": {"operands": {"a": "int8", "b": "int8"}, "accumulator": {"bits": 1}}},
    ],
    ids=str,
)  # fmt: skip
def test_schema_refuses_bad_values(change):
    data = dict(read_document(shipped("archs")["systolic_int8_ws_32x32"]).data)
    assert jsonschema.Draft202012Validator(committed("archs")).is_valid(data)
    data["compute"] = {**data["compute"], **change}
    assert not jsonschema.Draft202012Validator(committed("archs")).is_valid(data)


def test_every_folder_has_its_schema():
    assert set(KINDS) == set(FOLDERS)
