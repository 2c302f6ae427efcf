"""Multipliers that are a table in a file: where it is found, what it may hold, what is computed from it."""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwsim.base.errors import InputError
from hwsim.datapath import Datapath
from hwsim.datapath.multipliers.table import TableMultiplier
from hwsim.datapath.products import factors
from hwsim.formats import get


def test_the_shipped_table_is_the_underdesigned_multiplier() -> None:
    """Kulkarni, Gupta and Ercegovac (VLSI Design 2011): 2x2 blocks exact but for 3 x 3 = 7, added exactly."""

    def block(x: int, y: int) -> int:
        return 7 if x == y == 3 else x * y

    multiplier, f = TableMultiplier.examples()[0], get("uint4")
    multiplier.check(f, f)
    worst = Fraction(0)
    for x, y in product(range(16), repeat=2):
        halves = block(x & 3, y >> 2) + block(x >> 2, y & 3)
        left, right = factors(f)[x], factors(f)[y]
        assert left is not None and right is not None
        found = multiplier.product(left, right, f, f).value
        assert found == block(x & 3, y & 3) + 4 * halves + 16 * block(x >> 2, y >> 2)
        worst = max(worst, 1 - found / (x * y) if x * y else worst)
    assert worst == Fraction(2, 9)  # the paper's 22.22 %


def datapath(tmp_path: Path, name: str, a: str, b: str, accumulator: str) -> Datapath:
    file = tmp_path / "unit.yaml"
    file.write_text(
        f"operands: {{a: {a}, b: {b}}}\nmultiplier: {{kind: table, file: {name}}}\naccumulator: {accumulator}\n"
    )
    return Datapath.load(file)


def test_a_table_beside_the_file_that_names_it(tmp_path: Path) -> None:
    generator = np.random.default_rng(2)
    table = generator.integers(-100, 100, (8, 16))
    np.save(tmp_path / "mul.npy", table)
    (tmp_path / "mul.csv").write_text("# any\n" + "\n".join(", ".join(map(str, row)) for row in table.tolist()) + "\n")
    a, b = generator.integers(0, 8, (3, 5)), generator.integers(0, 16, (5, 4))
    expected = [[sum(int(table[a[i, k], b[k, j]]) for k in range(5)) for j in range(4)] for i in range(3)]
    for name in ("mul.npy", "mul.csv"):
        unit = datapath(tmp_path, name, "int3", "uint4", "int20")
        assert unit.matmul_codes(a.astype(np.uint8), b.astype(np.uint8)).codes.tolist() == expected


def test_a_table_of_floats_holds_values(tmp_path: Path) -> None:
    f = get("e2m1fn")
    exact = np.outer(f.decode(np.arange(16)), f.decode(np.arange(16))).astype(np.float64) + 0.0
    exact[3, 5] = -0.03125
    np.save(tmp_path / "mul.npy", exact)
    unit = datapath(tmp_path, "mul.npy", "e2m1fn", "e2m1fn", "fp32")
    a, b = np.arange(16, dtype=np.uint8)[:, None], np.arange(16, dtype=np.uint8)[None]
    for change in ("sequential", "exact", {"kind": "fused", "lanes": 2, "align_bits": 24}):
        found = Datapath.model_validate({**dict(unit), "reduction": change}).matmul_codes(a, b)
        assert np.array_equal(unit.result_format.decode(found.codes), exact)


BROKEN: list[tuple[str, Any, str]] = [
    ("short.csv", "1,2\n3\n", "rows of equal length"),
    ("word.csv", "1,2\n3,four\n", "expected finite numbers in"),
    ("nan.npy", np.array([[np.nan, 1.0]]), "expected finite numbers in"),
    ("flat.npy", np.arange(4), "two dimensions"),
    ("size.npy", np.zeros((4, 4)), "needs a table of 8 rows of 16 numbers"),
    ("half.npy", np.full((8, 16), 0.5), "expected integers in"),
    ("tenth.csv", "\n".join([",".join(["0.1"] * 16)] * 8), "which no binary number equals"),
    ("mul.txt", "1", "expected a .csv or .npy file"),
]


@pytest.mark.parametrize(("name", "content", "message"), BROKEN, ids=[name for name, _, _ in BROKEN])
def test_broken_tables_get_one_line(tmp_path: Path, name: str, content: Any, message: str) -> None:
    if isinstance(content, str):
        (tmp_path / name).write_text(content)
    else:
        np.save(tmp_path / name, content)
    with pytest.raises(InputError) as caught:
        datapath(tmp_path, name, "int3", "uint4", "int20")
    assert message in str(caught.value) and "unit.yaml:" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_table_gets_one_line_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"unit.yaml:2:33: multiplier.file: 'mull.npy' is neither a file beside"):
        datapath(tmp_path, "mull.npy", "int3", "uint4", "int20")
