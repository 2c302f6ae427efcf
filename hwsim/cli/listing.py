"""``hwsim list``: what there is, by kind, a line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import click

from hwsim.base.shipped import shipped
from hwsim.cli import console

Rows = Iterable[tuple[Any, ...]]


def registries() -> dict[str, Any]:
    """Kind (plural) to the registry of its parts."""
    from hwsim.datapath.accumulator import accumulators
    from hwsim.datapath.multiplier import multipliers
    from hwsim.datapath.reduction import reductions
    from hwsim.memory import memories
    from hwsim.units.registry import units

    return {
        "units": units, "multipliers": multipliers, "reductions": reductions, "accumulators": accumulators,
        "memories": memories,
    }  # fmt: skip


def _formats() -> Rows:
    from hwsim import formats
    from hwsim.formats.names import block_aliases

    for name, entry in formats.entries().items():
        made = entry.format
        yield name, made.kind, made.bits, f"{made.max:.6g}", ", ".join(entry.aliases)
    for name, block in formats.blocks().items():
        aliases = ", ".join(block_aliases(name))
        yield name, "block", f"{block.bits_per_value:g}", f"{block.max:.6g}", aliases


def _technologies() -> Rows:
    from hwsim import technology

    return ((name, technology.get(name).rule) for name in technology.names())


def _described(kind: str) -> Callable[[], Rows]:
    def rows() -> Rows:
        from hwsim.base.document import read_document

        for name, path in shipped(kind).items():
            data = read_document(path).data
            yield name, data.get("description") or data.get("question") or ""

    return rows


def _parts(kind: str) -> Callable[[], Rows]:
    def rows() -> Rows:
        for name, part in sorted(registries()[kind].items().items()):
            yield name, console.first_sentence(part.__doc__)

    return rows


def _drams() -> Rows:
    from hwsim.memory.dram_standards import STANDARDS
    from hwsim.report.engineering import engineering
    from hwsim.technology import dram

    for name, entry in STANDARDS.items():
        price = dram.get(name)
        rate = f"{engineering(price.bandwidth_bytes_per_s, 'B/s')} per {price.part}"
        energy = engineering(price.energy_j_per_bit, "J/bit")
        yield name, rate, f"{energy} ({price.status})", f"timings {entry.status}"


def _matrix_units() -> Rows:
    from hwsim.base.document import read_document

    for name, path in shipped("matrix_units").items():
        data = read_document(path).data
        yield name, data.get("description") or "", len(data["instructions"])


_KINDS: dict[str, tuple[tuple[str, ...], Callable[[], Rows]]] = {
    "formats": (("name", "kind", "bits", "max", "also called"), _formats),
    "multipliers": (("name", "what it is"), _parts("multipliers")),
    "reductions": (("name", "what it is"), _parts("reductions")),
    "accumulators": (("name", "what it is"), _parts("accumulators")),
    "units": (("name", "what it is"), _parts("units")),
    "matrix-units": (("name", "description", "instructions"), _matrix_units),
    "memories": (("name", "what it is"), _parts("memories")),
    "drams": (("name", "peak", "energy", "commands"), _drams),
    "technologies": (("name", "prices from"), _technologies),
    "archs": (("name", "description"), _described("archs")),
    "orders": (("name", "description"), _described("gemm_orders")),
    "workloads": (("name", "description"), _described("workloads")),
    "studies": (("name", "question"), _described("studies")),
}


@click.command(name="list")
@click.argument("kind", type=click.Choice(list(_KINDS)))
def list_parts(kind: str) -> None:
    """List what hwsim knows of a kind; `hwsim show NAME` says more about each."""
    headings, rows = _KINDS[kind]
    console.show(console.table(headings, rows(), right=("bits", "max", "instructions")))
    if kind == "formats":
        click.echo(
            "and any e{x}m{y}, ue{x}m{y} (b{bias}, fn, fnuz, finite, _flush behind),\n"
            "p3109_k{K}p{P}{s|u}{e|f}, int{n}, uint{n}, q{i}.{f}, uq{i}.{f}, posit{n}_{es},\n"
            "takum_linear{n}, lns{n}_{f}, bipolar{n}, pot{n}, apot{n}_{k},\n"
            "abfloat_e{x}m{y}b{bias}; or a kind and its fields in YAML (docs/formats)"
        )
