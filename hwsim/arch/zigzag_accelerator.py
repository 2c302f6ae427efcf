"""ZigZag's accelerator and mapping files as architectures.

An accelerator lists memories from the inside out (bits, pJ per access of the port's width, which of the operands I1,
I2 and O, which dimensions of the array share one of them) and an array of multipliers. Read are the files of ZigZag 3,
those with ``r_bw``, ``w_bw`` and ``multipliers`` as well as those with a list of ports and ``operational_array``. A
mapping file says which loops are spread over which dimension; without one every loop may be.

What ZigZag assumes is kept: memories are refilled in place, inputs and weights pass one port at once, any transfer may
run beside any work. A memory that not all dimensions share is taken as one of each element's own. Files say neither
node nor clock nor the width of sums: 7 nm, 1 GHz and 16 bits, *assumed*.
"""

from __future__ import annotations

from typing import Any

from hwsim.base.document import Document
from hwsim.base.errors import did_you_mean

ROWS = "mappings"
"""What the list of a mapping file is called here."""
_OPERANDS = {"I": "input", "W": "weight", "O": "output"}
_LINKS = {"I": "I1", "W": "I2", "O": "O"}
_LOOPS = ("B", "K", "C", "OY", "OX", "FY", "FX")
_ARRAYS = ("multipliers", "operational_array")
_SUM_BITS = 16


def is_accelerator(document: Document) -> bool:
    """Whether a file describes hardware in ZigZag's words."""
    return any(key in document.data for key in _ARRAYS)


def converted(accelerator: Document, mapping: Document | None = None) -> Document:
    """The architecture that ZigZag's files describe; raises `InputError` with the place of what cannot be taken.

    ``mapping`` is read with ``rows_as=ROWS``; the spatial mapping of its entry ``default`` is taken, or its first.
    """
    entry = _default(mapping)
    array = next(key for key in _ARRAYS if key in accelerator.data)
    memories = _memories(accelerator, array, (entry or {}).get("memory_operand_links", _LINKS))
    bits = _precision(accelerator, array)
    operands = {"a": f"int{bits[0]}", "b": f"int{bits[1]}"}
    energy = accelerator.data[array].get("multiplier_energy", accelerator.data[array].get("unit_energy"))
    data = {
        "name": str(accelerator.data.get("name", "zigzag")).replace("_", "-"),
        "description": f"ZigZag's {accelerator.path.name}; node, clock and width of sums assumed.",
        "technology": {"node": "7nm", "clock": "1 GHz"},
        "memories": memories,
        "compute": {
            "kind": "spatial", "array": _axes(accelerator, array, mapping, entry), "first_reads": True,
            "pe": {"operands": operands, "accumulator": f"int{_SUM_BITS}"},
        },
        "vector": {"format": "fp16"},
        "quantization": {
            role: {"format": operands[side], "granularity": "tensor", "scale": "absmax"}
            for role, side in (("weights", "b"), ("activations", "a"))
        },
        "mapping": {"overlap": "ideal"},
    }  # fmt: skip
    if energy is not None:
        data["costs"] = {"compute.mac": f"{_number(accelerator, (array,), energy)} pJ"}
    return Document(accelerator.shown, data)


def _memories(document: Document, array: str, links: dict[str, str]) -> dict[str, Any]:
    """Outermost first."""
    listed = document.data.get("memories")
    if not isinstance(listed, dict) or not listed:
        raise document.error(("memories",), "expected memories by name, from the inside out")
    dimensions = list(document.data[array].get("dimensions", []))
    found: dict[str, Any] = {}
    for position, name in enumerate(reversed(list(listed))):
        entry, place = listed[name], ("memories", name)
        if not isinstance(entry, dict):
            raise document.error(place, "expected a memory's size, costs, operands and ports")
        known = {link: _OPERANDS[letter] for letter, link in links.items()}
        holds = [known[operand] for operand in _wanted(document, place, entry, "operands") if operand in known]
        if len(holds) < len(entry["operands"]):
            odd = next(operand for operand in entry["operands"] if operand not in known)
            raise document.error((*place, "operands"), f"unknown operand '{odd}'{did_you_mean(str(odd), known)}")
        read, write, shared = _ports(document, place, entry)
        one = {
            "holds": holds, "read_bandwidth": f"{read} bit/cycle", "write_bandwidth": f"{write} bit/cycle",
            "read_energy": f"{_number(document, place, _wanted(document, place, entry, 'r_cost'))} pJ/access",
            "write_energy": f"{_number(document, place, _wanted(document, place, entry, 'w_cost'))} pJ/access",
        }  # fmt: skip
        size = int(_number(document, place, _wanted(document, place, entry, "size")))
        if position == 0:
            found[name] = {"kind": "dram", **one, "port_per_operand": True}
            continue
        served = _served(entry.get("served_dimensions", []))
        whole = all(dimension in served for dimension in dimensions)
        found[name] = {
            "kind": "sram", "capacity": max(size // 8, 1), "in_place": True, "shared_port": shared, **one,
            **({} if whole else {"per": "pe"}),
        }  # fmt: skip
    return found


def _served(written: Any) -> list[str]:
    return list(written) if isinstance(written, (list, tuple)) else [str(written)]


def _ports(document: Document, place: tuple[Any, ...], entry: dict[str, Any]) -> tuple[int, int, bool]:
    """Bits read and written in a cycle, and whether one port does both."""
    ports = entry.get("ports", [])
    named = [port for port in ports if isinstance(port, dict) and "bandwidth_max" in port]
    if named:
        reads = [int(port["bandwidth_max"]) for port in named if str(port.get("type", "")).startswith("read")]
        writes = [int(port["bandwidth_max"]) for port in named if "write" in str(port.get("type", ""))]
        if not reads or not writes:
            raise document.error((*place, "ports"), "expected a port that reads and one that writes")
        return max(reads), max(writes), all(str(port["type"]) == "read_write" for port in named)
    read, write = (int(_number(document, place, _wanted(document, place, entry, key))) for key in ("r_bw", "w_bw"))
    used = {name for port in ports if isinstance(port, dict) for name in port.values()}
    return read, write, len(used) == 1


def _axes(
    document: Document, array: str, mapping: Document | None, entry: dict[str, Any] | None
) -> list[dict[str, Any]]:
    sizes = _wanted(document, (array,), document.data[array], "sizes")
    dimensions = _wanted(document, (array,), document.data[array], "dimensions")
    spatial = (entry or {}).get("spatial_mapping") or (entry or {}).get("spatial_mapping_hint") or {}
    axes = []
    for dimension, size in zip(dimensions, sizes, strict=True):
        loops = []
        for written in spatial.get(dimension, []):
            loop = str(written).partition(",")[0].strip()
            if loop not in _LOOPS:
                assert mapping is not None
                raise mapping.error((ROWS,), f"{dimension}: unknown loop '{loop}'{did_you_mean(loop, _LOOPS)}")
            loops.append(loop)
        axes.append({"size": int(size), "unroll": loops or list(_LOOPS)})
    return axes


def _default(mapping: Document | None) -> dict[str, Any] | None:
    if mapping is None:
        return None
    rows = mapping.data.get(ROWS)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise mapping.error((), "expected a list of mappings, each with a name and a spatial_mapping")
    found: dict[str, Any] = next((row for row in rows if row.get("name") == "default"), rows[0])
    return found


def _precision(document: Document, array: str) -> tuple[int, int]:
    written = document.data[array].get("input_precision", [8, 8])
    if not isinstance(written, list) or len(written) != 2:
        raise document.error((array, "input_precision"), f"expected two numbers of bits, got {written!r}")
    return int(written[0]), int(written[1])


def _wanted(document: Document, place: tuple[Any, ...], entry: dict[str, Any], key: str) -> Any:
    if key not in entry:
        raise document.error(place, f"missing key '{key}'")
    return entry[key]


def _number(document: Document, place: tuple[Any, ...], value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise document.error(place, f"expected a number of at least 0, got {value!r}")
    return value
