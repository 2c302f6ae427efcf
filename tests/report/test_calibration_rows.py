"""The calibration table: complete, and no outlier without its reason."""

import csv
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from hwsim.report.calibration_reasons import REASONS, reason
from hwsim.report.calibration_rows import LIMIT, LMUL, rows

TABLE = Path(__file__).parent.parent / "data/costs/energy_area.csv"
ROWS = rows()


def test_every_outlier_has_its_reason():
    silent = [row.key for row in ROWS if abs(row.error) > LIMIT and not reason(row.key)]
    assert not silent


def test_every_reason_is_of_an_outlier():
    for pattern in REASONS:
        assert any(fnmatchcase(row.key, pattern) and abs(row.error) > LIMIT for row in ROWS), pattern


def test_keys_are_unique_and_rows_whole():
    assert len({row.key for row in ROWS}) == len(ROWS)
    assert all(row.published > 0 and row.model > 0 and row.status and row.source for row in ROWS)


@pytest.mark.parametrize(
    "line",
    list(csv.DictReader(TABLE.read_text(encoding="utf-8").splitlines())),
    ids=lambda line: f"{line['quantity']} {line['node_nm']}",
)
def test_every_line_of_the_collected_numbers_is_in_the_table(line):
    """By its value, and by its node where the group names one."""
    node = f"{line['node_nm']} nm" if line["node_nm"] else ""
    for column, quantity in (("energy_pJ", "energy"), ("area_um2", "area")):
        if not line[column]:
            continue
        value = float(line[column])
        wanted = {value, value / 64} if "64b access" in line["quantity"] and "SRAM" not in line["quantity"] else {value}
        found = [
            row
            for row in ROWS
            if row.quantity == quantity and any(row.published == pytest.approx(each, rel=1e-6) for each in wanted)
        ]
        assert any(node in row.group or row.group == "DRAM" for row in found), (line, column)


def test_the_synthesized_multipliers_are_there_with_area_power_and_delay():
    names = {row.key for row in ROWS}
    for name, *_ in LMUL:
        for quantity in ("area", "power", "delay"):
            assert f"L-Mul, 45 nm: {name} L-Mul / multiplier, {quantity}" in names


def test_ratios_of_the_rows():
    by_key = {row.key: row for row in ROWS}
    power = by_key["L-Mul, 45 nm: FP8 L-Mul / multiplier, power"]
    assert power.published == pytest.approx(0.111 / 1.055)
    scaled = by_key["scaling from 45 nm: 7nm_scaled: int8_multiply, energy"]
    assert (scaled.published, round(scaled.model, 3)) == (pytest.approx(0.35), 0.102)
