"""Measured latency and throughput of matrix instructions: `mma_cycles.csv`, each row with its condition and source."""

from __future__ import annotations

import csv
import re
from fractions import Fraction
from functools import lru_cache
from typing import Any, Self

from pydantic import Field, model_validator

from hwsim.base.errors import InputError, did_you_mean
from hwsim.base.record import Record
from hwsim.base.shipped import folder


@lru_cache(maxsize=1)
def cycle_table() -> list[dict[str, Any]]:
    """Rows of the table; latency and throughput are numbers, or None where they were not measured."""
    with (folder("matrix_units") / "mma_cycles.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        for key in ("latency_cycles", "throughput"):
            row[key] = _number(row[key])
    return rows


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return None


class MeasuredInstruction(Record):
    """One instruction of the table of measured cycles, by chip and name as the table spells them."""

    chip: str
    """Such as ``A100``, ``H100 80GB HBM3``, ``CDNA3``."""
    name: str
    """Such as ``mma.sync m16n8k16`` or ``v_mfma_f32_32x32x8_f16``."""
    in_type: str | None = None
    """Type of the operands, where the chip's instructions of this name differ in it."""
    acc_type: str | None = None
    """Type of the sums, likewise."""
    wait: int = Field(default=0, ge=0)
    """Cycles of a tile before its first instruction beyond what the table has: fetch, address, barrier."""

    @model_validator(mode="after")
    def _in_the_table(self) -> Self:
        try:
            _ = self.rate
        except InputError as error:
            raise ValueError(str(error)) from None
        return self

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Rows of the table. Raises `InputError` with the nearest name where there is none."""
        chips = list(dict.fromkeys(row["gpu_or_arch"] for row in cycle_table()))
        if self.chip not in chips:
            raise InputError(f"no measured cycles of chip '{self.chip}'{did_you_mean(self.chip, chips)}")
        of_chip = [row for row in cycle_table() if row["gpu_or_arch"] == self.chip]
        found = [row for row in of_chip if row["instruction"] == self.name]
        if not found:
            names = list(dict.fromkeys(row["instruction"] for row in of_chip))
            raise InputError(f"no measured cycles of '{self.name}' on {self.chip}{did_you_mean(self.name, names)}")
        for key, wanted in (("in_type", self.in_type), ("acc_type", self.acc_type)):
            types = sorted({row[key] for row in found})
            if wanted is None and len(types) > 1:
                raise InputError(f"'{self.name}' on {self.chip}: give {key}, one of {', '.join(types)}")
            found = [row for row in found if wanted in (None, row[key])]
            if not found:
                raise InputError(f"'{self.name}' on {self.chip}: {key} '{wanted}'{did_you_mean(str(wanted), types)}")
        return found

    @property
    def shape(self) -> tuple[int, int, int] | None:
        """(m, n, k) in the instruction's name."""
        found = re.search(r"m(\d+)n(\d+)k(\d+)|(\d+)x(\d+)x(\d+)", self.name)
        if found is None:
            return None
        m, n, k = (int(x) for x in found.groups() if x is not None)
        return m, n, k

    @property
    def rate(self) -> tuple[str, Fraction]:
        """The best measured throughput: ``("interval", cycles from issue to issue)``, ``("macs", per cycle and core)``.

        Without either, a latency is taken for the interval: an instruction that waits for the one before it. Raises
        `InputError` for rows that say nothing in cycles (operations per second at an unknown clock).
        """
        intervals, rates, latencies = [], [], []
        for row in self.rows:
            value, unit = row["throughput"], row["throughput_unit"]
            if value is not None and unit.startswith("cycles per"):
                intervals.append(value)
            elif value is not None and unit.startswith(("FMA/clk", "FLOPs/CU")):
                rates.append(value / (1 if unit.startswith("FMA") else 2))
            if row["latency_cycles"] is not None:
                latencies.append(row["latency_cycles"])
        if intervals:
            return "interval", _exact(min(intervals))
        if rates:
            return "macs", _exact(max(rates))
        if latencies:
            return "interval", _exact(min(latencies))
        raise InputError(f"'{self.name}' on {self.chip}: the table has no number in cycles")

    @property
    def latency(self) -> Fraction | None:
        """Cycles until an instruction's result is there, at the fewest."""
        return min(
            (_exact(row["latency_cycles"]) for row in self.rows if row["latency_cycles"] is not None), default=None
        )

    @property
    def macs_are_dense(self) -> bool:
        """Whether a sparse instruction's rate counts the dense product that it stands for."""
        return any("sparse-effective" in row["throughput_unit"] for row in self.rows)


def _exact(value: float) -> Fraction:
    """The decimal that is written in the table."""
    return Fraction(repr(value))
