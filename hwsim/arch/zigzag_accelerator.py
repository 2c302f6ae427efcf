"""ZigZag's accelerator and mapping files as architectures.

An accelerator lists memories from the inside out (bits, pJ per access of the port's width, which of the operands I1,
I2 and O, which dimensions of the array share one of them) and an array of multipliers. Read are the files of ZigZag 3,
those with ``r_bw``, ``w_bw`` and ``multipliers`` as well as those with a list of ports and ``operational_array``
(`hwsim.arch.zigzag_ports`). A mapping file says which loops are spread over which dimension; dimensions that neither
its ``spatial_mapping`` nor its ``spatial_mapping_hint`` names may take every loop. Without a mapping file the
accelerator's own ``dataflows`` count, if it has them. Loops of matrix products are D or D0 (rows), D1 and D2.

What ZigZag assumes is kept: memories are refilled in place (unless ``force_double_buffering`` is written), inputs and
weights pass one port at once, any transfer may run beside any work. A memory that not all dimensions share is taken as
one of each element's own. Files say neither node nor clock nor the width of sums: 7 nm, 1 GHz and 16 bits, *assumed*.
Where ZigZag asks CACTI for energies (``auto_cost_extraction``) they are the node's. In-memory-computing arrays are
refused.
"""

from __future__ import annotations

import os
from typing import Any

from hwsim.arch.zigzag_ports import ports_of
from hwsim.base.document import Document, read_document
from hwsim.base.errors import InputError, did_you_mean

ROWS = "mappings"
"""What the list of a mapping file is called here."""
_OPERANDS = {"I": "input", "W": "weight", "O": "output"}
_LINKS = {"I": "I1", "W": "I2", "O": "O"}
_MEMORY_LINKS = {"I1", "I2", "O"}
_LOOPS = ("G", "B", "K", "C", "OY", "OX", "FY", "FX")
_PRODUCT_LOOPS = {"D": "OX", "D0": "OX", "D1": "K", "D2": "C"}
"""Of O[d][k] += I[d][c] * W[c][k] (ZigZag's own) and O[d0][d1] += I[d0][d2] * W[d2][d1]."""
_ARRAYS = ("multipliers", "operational_array")
_SUM_BITS = 16
_AGAIN = ("ports",)
"""Keys that ZigZag's own tpu_like writes a second time; it takes the last."""


def is_accelerator(document: Document) -> bool:
    """Whether a file describes hardware in ZigZag's words."""
    return any(key in document.data for key in _ARRAYS)


def read_yaml(path: str | os.PathLike[str], rows_as: str | None = None) -> Document:
    """Any YAML file; in an accelerator of ZigZag's a memory's ports may be written again, the last ones count."""
    try:
        return read_document(path, rows_as=rows_as)
    except InputError:
        document = read_document(path, rows_as=rows_as, again=_AGAIN)
        if is_accelerator(document):
            return document
        raise


def converted(accelerator: Document, mapping: Document | None = None) -> Document:
    """The architecture that ZigZag's files describe; raises `InputError` with the place of what cannot be taken.

    ``mapping`` is read with ``rows_as=ROWS``; the spatial mapping of its entry ``default`` is taken, or its first.
    """
    array = _array_key(accelerator)
    _check_array(accelerator, array)
    links = _links(mapping)
    bits = _precision(accelerator, array)
    operands = {"a": f"int{bits[0]}", "b": f"int{bits[1]}"}
    energy = accelerator.data[array].get("multiplier_energy", accelerator.data[array].get("unit_energy"))
    data = {
        "name": str(accelerator.data.get("name", "zigzag")).replace("_", "-"),
        "description": f"ZigZag's {accelerator.path.name}; node, clock and width of sums assumed.",
        "technology": {"node": "7nm", "clock": "1 GHz"},
        "memories": _memories(accelerator, array, links),
        "compute": {
            "kind": "spatial", "array": _axes(accelerator, array, mapping), "first_reads": True,
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


def _array_key(document: Document) -> str:
    return next(key for key in _ARRAYS if key in document.data)


def _check_array(document: Document, array: str) -> None:
    entry = document.data[array]
    if not isinstance(entry, dict):
        raise document.error((array,), "expected the dimensions and sizes of an array")
    if entry.get("is_imc"):
        raise document.error((array, "is_imc"), "in-memory-computing arrays are not read")
    sizes, dimensions = (_wanted(document, (array,), entry, key) for key in ("sizes", "dimensions"))
    if not isinstance(sizes, list) or not isinstance(dimensions, list) or len(sizes) != len(dimensions):
        raise document.error((array, "sizes"), f"expected as many sizes as dimensions, got {sizes} for {dimensions}")
    for place, size in enumerate(sizes):
        if isinstance(size, bool) or not isinstance(size, int) or size < 1:
            raise document.error((array, "sizes", place), f"expected a whole number above 0, got {size!r}")


def _memories(document: Document, array: str, links: dict[str, str]) -> dict[str, Any]:
    """Outermost first."""
    listed = document.data.get("memories")
    if not isinstance(listed, dict) or not listed:
        raise document.error(("memories",), "expected memories by name, from the inside out")
    dimensions = document.data[array]["dimensions"]
    found: dict[str, Any] = {}
    for position, name in enumerate(reversed(list(listed))):
        entry, place = listed[name], ("memories", name)
        if not isinstance(entry, dict):
            raise document.error(place, "expected a memory's size, costs, operands and ports")
        one = _moves(document, place, entry, links, with_costs=position == 0)
        size = int(_number(document, place, _wanted(document, place, entry, "size")))
        if position == 0:
            found[name] = {"kind": "dram", **one, "port_per_operand": True}
            continue
        served = _list(entry.get("served_dimensions"))
        whole = all(dimension in served for dimension in dimensions)
        refill = "double_buffered" if entry.get("force_double_buffering") else "in_place"
        found[name] = {"kind": "sram", "capacity": max(size // 8, 1), refill: True, **one}
        found[name] |= {} if whole else {"per": "pe"}
    return found


def _moves(
    document: Document, place: tuple[Any, ...], entry: dict[str, Any], links: dict[str, str], with_costs: bool
) -> dict[str, Any]:
    """What a memory holds, how fast it gives and takes it, and for how much; CACTI's costs are left to the node."""
    known = {link: _OPERANDS[letter] for letter, link in links.items()}
    operands = [str(operand) for operand in _list(_wanted(document, place, entry, "operands"))]
    for operand in operands:
        if operand not in known:
            raise document.error((*place, "operands"), f"unknown operand '{operand}'{did_you_mean(operand, known)}")
    ports = ports_of(document, place, entry)
    one = {
        "holds": [known[operand] for operand in operands],
        "read_bandwidth": f"{ports.read} bit/cycle", "write_bandwidth": f"{ports.write} bit/cycle",
        "shared_port": ports.shared,
    }  # fmt: skip
    one |= {"port_per_operand": True} if ports.reads_apart(links["I"], links["W"]) else {}
    if with_costs or not entry.get("auto_cost_extraction"):
        for key, cost in (("read_energy", "r_cost"), ("write_energy", "w_cost")):
            one[key] = f"{_number(document, place, _wanted(document, place, entry, cost))} pJ/access"
    return one


def _axes(document: Document, array: str, mapping: Document | None) -> list[dict[str, Any]]:
    entry = document.data[array]
    axes = []
    for dimension, size in zip(entry["dimensions"], entry["sizes"], strict=True):
        source, place, written = _spread(document, mapping, dimension)
        loops: list[str] = []
        for text in _list(written):
            loop = str(text).partition(",")[0].strip()
            if loop not in (*_LOOPS, *_PRODUCT_LOOPS):
                raise source.error(place, f"unknown loop '{loop}'{did_you_mean(loop, _LOOPS)}")
            loops.append(_PRODUCT_LOOPS.get(loop, loop))
        axes.append({"size": size, "unroll": list(dict.fromkeys(loops)) or list(_LOOPS)})
    return axes


def _spread(document: Document, mapping: Document | None, dimension: str) -> tuple[Document, tuple[Any, ...], Any]:
    """What is written to be spread over a dimension, and where; nothing where no file says."""
    if mapping is None:
        sources: list[tuple[Document, tuple[Any, ...]]] = [(document, ("dataflows",))]
    else:
        row = _default(mapping)
        sources = [(mapping, (ROWS, row, key)) for key in ("spatial_mapping", "spatial_mapping_hint")]
    for source, place in sources:
        found: Any = source.data
        for part in place:
            found = found.get(part, {}) if isinstance(found, dict) else found[part]
        if found and not isinstance(found, dict):
            raise source.error(place, "expected the loops of each dimension of the array")
        names = document.data[_array_key(document)]["dimensions"]
        for name in found or {}:
            if name not in names:
                raise source.error(place, f"unknown dimension '{name}'{did_you_mean(name, map(str, names))}")
        if found and found.get(dimension):
            return source, (*place, dimension), found[dimension]
    return document, (), []


def _default(mapping: Document) -> int:
    """The place of the entry that counts."""
    rows = mapping.data.get(ROWS)
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise mapping.error((), "expected a list of mappings, each with a name and a spatial_mapping")
    return next((place for place, row in enumerate(rows) if row.get("name") == "default"), 0)


def _links(mapping: Document | None) -> dict[str, str]:
    """Operand of a layer to operand of the memories."""
    if mapping is None:
        return _LINKS
    row = _default(mapping)
    links: Any = mapping.data[ROWS][row].get("memory_operand_links", _LINKS)
    if not isinstance(links, dict) or sorted(links) != sorted(_LINKS) or {*map(str, links.values())} != _MEMORY_LINKS:
        place = (ROWS, row, "memory_operand_links")
        raise mapping.error(place, f"expected I, W and O as I1, I2 and O, got {links!r}")
    return links


def _precision(document: Document, array: str) -> tuple[int, int]:
    written = document.data[array].get("input_precision", [8, 8])
    if not isinstance(written, list) or len(written) != 2 or not all(type(bits) is int for bits in written):
        raise document.error((array, "input_precision"), f"expected two numbers of bits, got {written!r}")
    return written[0], written[1]


def _list(written: Any) -> list[Any]:
    return written if isinstance(written, list) else [written]


def _wanted(document: Document, place: tuple[Any, ...], entry: dict[str, Any], key: str) -> Any:
    if key not in entry:
        raise document.error(place, f"missing key '{key}'")
    return entry[key]


def _number(document: Document, place: tuple[Any, ...], value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise document.error(place, f"expected a number of at least 0, got {value!r}")
    return value
