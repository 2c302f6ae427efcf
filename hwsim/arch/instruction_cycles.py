"""Measured cycles of matrix instructions: `mma_cycles.csv`, each row with its condition and source."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hwsim.arch.instruction import Instruction
from hwsim.arch.instruction_names import Shape
from hwsim.formats.base import Format
from hwsim.units.cycle_table import cycle_table


def measured(row: Instruction, shape: Shape, pair: tuple[Format, Format], sparse: bool) -> Iterable[dict[str, Any]]:
    """Rows of the table for an instruction of this shape on operands of these formats."""
    a, b = pair
    spelled = {
        "shape": f"m{shape.m}n{shape.n}k{shape.k}",
        "amd": f"{shape.m}x{shape.n}x{shape.k}",
        "a": _amd(a),
        "b": _amd(b),
    }
    for chip, template in row.timing.items():
        name = template.format(**spelled)
        name = name.replace("mma.sync", "mma.sp.sync").replace("mfma", "smfmac") if sparse else name
        for line in cycle_table():
            same_types = line["in_type"] in ("", a.name, "fp8" if a.bits == 8 else "")
            same_sum = line["acc_type"] in ("", row.d.name)
            if (line["gpu_or_arch"], line["instruction"]) == (chip, name) and same_types and same_sum:
                yield line


def _amd(f: Format) -> str:
    return {"e4m3fnuz": "fp8", "e5m2fnuz": "bf8", "tf32": "xf32", "fp16": "f16", "fp32": "f32"}.get(f.name, f.name)
