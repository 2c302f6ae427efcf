"""Mappings for people: as text, as JSON, and as a file that fixes them again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from hwsim.report.engineering import count, engineering, percent

if TYPE_CHECKING:
    from hwsim.engine.mapped import MappedProduct
    from hwsim.mapping import Mapping


def mappings_text(products: Sequence[MappedProduct]) -> str:
    """Each product with its mapping: a headline, what it guarantees, the loop nest and the traffic."""
    return "\n\n".join(_product_text(product) for product in products)


def _product_text(product: MappedProduct) -> str:
    repeat, m, n, k = product.shape
    title = f"{product.name}: {f'{repeat} x ' if repeat > 1 else ''}{m} x {n} x {k} (m x n x k)"
    if len(product.mappings) == 1:
        return "\n".join([title, *_mapping_lines(product.mappings[0], product.energies_j[0])])
    blocks = [f"{title}: {len(product.mappings)} mappings that no other beats in both cycles and energy"]
    for number, (mapping, energy) in enumerate(zip(product.mappings, product.energies_j, strict=True), start=1):
        blocks += [f"  point {number}", *("  " + line for line in _mapping_lines(mapping, energy))]
    return "\n".join(blocks)


def _mapping_lines(mapping: Mapping, energy_j: float) -> list[str]:
    outermost = next(iter(mapping.traffic))
    above = f"{percent(mapping.gap_to_peak, 1)} above peak compute"
    lines = [
        f"  {mapping.cycles:,} cycles ({above}), bound by {mapping.bound}, {engineering(energy_j, 'J')}",
        f"  {outermost} moves {percent(mapping.gap_to_compulsory, 1)} more than every operand once",
        f"  {mapping.guarantee}",
        *("    " + line for line in mapping.loop_nest().splitlines()),
    ]
    width = max(len(name) for name in mapping.traffic)
    for name, moved in mapping.traffic.items():
        read, written = engineering(moved["read"], "B"), engineering(moved["write"], "B")
        busy = count(mapping.busy_cycles.get(name, 0))
        lines.append(f"  {name:{width}}  read {read:>9}  written {written:>9}  busy {busy} cycles")
    return lines


def mappings_json(products: Sequence[MappedProduct], architecture: str, workload: str) -> dict[str, Any]:
    """Every product's mappings as plain data; ``mapping`` is what a file fixes."""
    return {
        "architecture": architecture,
        "workload": workload,
        "products": [
            {
                "name": product.name,
                **dict(zip(("count", "m", "n", "k"), product.shape, strict=True)),
                "mappings": [
                    _mapping_json(*one)
                    for one in zip(product.mappings, product.energies_j, product.seconds, strict=True)
                ],
            }
            for product in products
        ],
    }


def _mapping_json(mapping: Mapping, energy_j: float, time_s: float) -> dict[str, Any]:
    return {
        "cycles": mapping.cycles,
        "compute_cycles": mapping.compute_cycles,
        "stall_cycles": mapping.stall_cycles,
        "time_s": time_s,
        "bound": mapping.bound,
        "energy_j": energy_j,
        "traffic_bytes": {name: dict(moved) for name, moved in mapping.traffic.items()},
        "gap_to_peak": mapping.gap_to_peak,
        "gap_to_compulsory": mapping.gap_to_compulsory,
        "guarantee": str(mapping.guarantee),
        "fused": mapping.fused or None,
        "loop_nest": mapping.loop_nest(),
        "mapping": mapping.data(),
    }


def mappings_yaml(products: Sequence[MappedProduct], architecture: str, workload: str) -> str:
    """A file of mappings, one line a fact; links of fused chains are named in comments, to be fused anew."""
    lines = [
        "# yaml-language-server: $schema=mappings.schema.json",
        f"# Any part may be changed or left out: hwsim map {architecture} {workload} --fix FILE",
        f"architecture: {_scalar(architecture)}",
        f"workload: {_scalar(workload)}",
        "mappings:",
    ]
    if all(product.mappings[0].fused for product in products):
        lines[-1] = "mappings: {}"
    for product in products:
        mapping = product.mappings[0]
        if mapping.fused:
            lines.append(f"  # {product.name}: {mapping.fused}")
            continue
        data = mapping.data()
        lines += [f"  {_scalar(product.name)}:", f"    # {mapping.cycles} cycles, {mapping.guarantee}"]
        if "unroll" in data:
            lines.append(f"    unroll: {_flow(data['unroll'])}")
        lines += ["    stages:", *(f"      - {_flow(stage)}" for stage in data["stages"])]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return _scalar(value)


def _scalar(value: Any) -> str:
    import yaml

    return str(yaml.safe_dump(value, allow_unicode=True, width=1000)).removesuffix("\n...\n").strip()
