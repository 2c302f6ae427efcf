"""What ``hwsim show`` prints of a matrix unit: its instructions, their arithmetic, evidence and measured cycles."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwsim.cli.console import heading, table
from hwsim.cli.views import Sources

if TYPE_CHECKING:
    from rich.console import RenderableType

    from hwsim.arch.matrix_units import Instruction, MatrixUnitFile


def matrix_unit_view(unit: MatrixUnitFile) -> list[RenderableType]:
    """The instructions of a matrix unit and, below, what was measured of them."""
    sources = Sources()
    rows = []
    for row in unit.instructions:
        cited = sources.cite(f"{row.evidence.grade}: {row.evidence.source}")
        rows.append((operands_text(row), " ".join(row.shapes), _qualifiers(row), sum_text(row), cited))
    views = [heading(unit.name, unit.description), table(("operands", "shapes", "kind", "sum", "source"), rows), ""]
    measured = [line for row in unit.instructions for line in _cycles(unit, row)]
    lines = list(dict.fromkeys(measured))
    if lines:
        cited_lines = [(*line[:-1], sources.cite(line[-1])) for line in lines]
        columns = ("chip", "instruction", "types", "latency", "throughput", "source")
        views += [table(columns, cited_lines, right=("latency",)), ""]
    return [*views, sources.view()]


def operands_text(row: Instruction) -> str:
    """``e4m3fn/e5m2 x any -> fp32``."""
    a = "/".join(f.name for f in row.a)
    b = "/".join(f.name for f in row.b) if row.b is not None else "any" if row.pairs == "any" else "same"
    c = f", c {row.c.name}" if row.c is not None and row.c != row.d else ""
    return f"{a} x {b} -> {row.d.name}{c}"


def _qualifiers(row: Instruction) -> str:
    words = [row.kind] if row.kind else []
    words += [f"{row.scale.name}/{row.scale_block}"] if row.scale is not None else []
    words += [f"sparse {row.sparse.keep}:{row.sparse.of}"] if row.sparse is not None else []
    return " ".join(words) or "–"


def sum_text(row: Instruction) -> str:
    """The reduction and the accumulator in the field's terms."""
    reduction: Any = row.reduction
    register: Any = row.accumulator
    outer = f"; c after {register.every}, {register.into.format.name} rne" if register.kind == "chunked" else ""
    inner: Any = getattr(register, "inner", None) or register
    words = _reduction(reduction)
    words += ["flush"] if row.flush else []
    words += [f"as {row.convert.name}"] if row.convert is not None else []
    words += ["permuted k"] if row.order is not None else []
    if inner.kind == "integer":
        once = [f"clamped after L={reduction.lanes}"] if reduction.kind == "exact" else []
        return ", ".join(["exact sums", *once, f"{inner.bits} bits", inner.overflow])
    return ", ".join([*words, f"{inner.format.name} {inner.rounding}"]) + outer


def _reduction(reduction: Any) -> list[str]:
    if reduction.kind != "fused":
        names = {"sequential": "FMA chain", "exact": f"exact L={reduction.lanes_of(0)}", "tree": "tree"}
        return [names[reduction.kind] + (f" L={reduction.lanes}" if reduction.kind == "tree" else "")]
    words = [f"L={reduction.lanes}", f"F={reduction.align_bits}"]
    words += [reduction.align] if reduction.align != "truncate" else []
    words += [f"e_zero={reduction.zero_exponent}"] if reduction.zero_exponent is not None else []
    words += [f"{reduction.groups.count} groups"] if reduction.groups is not None else []
    return words + (["c late"] if reduction.late is not None else [])


def _cycles(unit: MatrixUnitFile, row: Instruction) -> list[tuple[str, ...]]:
    from hwsim.arch.matrix_units import measured_rows

    return [
        (
            line["gpu_or_arch"],
            line["instruction"],
            " → ".join(line[key] for key in ("in_type", "acc_type") if line[key]),
            "–" if line["latency_cycles"] is None else f"{line['latency_cycles']:g}",
            "–" if line["throughput"] is None else f"{line['throughput']:g} {line['throughput_unit']}",
            line["source"],
        )
        for line in measured_rows(unit, row)
    ]
