"""The cells: energy, area and delay in units of a NAND2, and the price of the NAND2 at a node.

Relative sizes from the 28 nm cells of ZigZag's in-memory-computing model (read): XOR2 has 1.5 x the capacitance
and 2.4 x the area and delay of a NAND2; a full adder is 3 NAND2 + 2 XOR2, so 6 NAND2 of energy (E = C V²) and 7.8
of area. **One gate delay is the delay of a NAND2** (47.8 ps at 28 nm and 0.9 V; no source scales it to another node).

Two prices per node stand behind all cells. The full adder is what the node's integer adders cost per bit. The
NAND2's area is the full adder's over 7.8; its energy is fitted to the node's float adders and multipliers, whose
shifters and selectors switch more, and drive longer wires, than their size alone tells: see
`hwsim.technology.calibration`, and `hwsim.technology.checks` for the distance to the absolute 28 nm cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

from hwsim.technology.records import Number, Price

GateKind = Literal["nand2", "and2", "or2", "xor2", "half_adder", "full_adder", "mux2"]
"""Gates with a price at every node."""

SOURCE = "cell ratios of ZigZag IMC, 28 nm"
NAND2_FARAD = 0.7e-15
NAND2_AREA_M2 = 0.614e-12
NAND2_DELAY_S = 47.8e-12
CELL_NM, CELL_V = 28, 0.9

# Energy, area and delay in NAND2, and what they rest on.
_XOR2 = (1.5, 2.4, 2.4)
_AND2 = (4 / 3, 4 / 3, 1.5, "assumed: NAND2 + inverter of a third of its size and half its delay")
WEIGHTS: dict[str, tuple[float, float, float, str]] = {
    "nand2": (1, 1, 1, "read"),
    "and2": _AND2,
    "or2": _AND2,
    "xor2": (*_XOR2, "read"),
    "half_adder": (1 + _XOR2[0], 1 + _XOR2[1], _XOR2[2], "assumed: XOR2 beside NAND2"),
    "full_adder": (3 + 2 * _XOR2[0], 3 + 2 * _XOR2[1], 2 * _XOR2[2], "read; delay assumed: two XOR2 in series"),
    "mux2": (3, 3, 2, "assumed: 3 NAND2 in two levels, the select inverter shared by the word"),
}
FLIP_FLOP = (3, 6)
"""Energy and area of a flip-flop in NAND2 (read). Registers have a price of their own: a clock switches every cycle."""
DELAYS: Mapping[str, float] = {gate: weights[2] for gate, weights in WEIGHTS.items()}
"""Delay of each gate in NAND2."""
FULL_ADDER_ENERGY, FULL_ADDER_AREA = WEIGHTS["full_adder"][:2]

_OWN_PRICE = ("full_adder", "nand2")


def in_nand2(terms: Mapping[str, float], quantity: str) -> dict[str, float]:
    """``terms`` with every gate but the full adder counted as NAND2, by energy (``energy_j``) or by area."""
    found: dict[str, float] = {"nand2": 0.0}
    for term, count in terms.items():
        if term in WEIGHTS and term not in _OWN_PRICE:
            energy, area, *_ = WEIGHTS[term]
            found["nand2"] += count * (energy if quantity == "energy_j" else area)
        else:
            found[term] = found.get(term, 0.0) + count
    return found


def prices(nand2: Price, node_nm: float) -> Iterator[Price]:
    """The NAND2 and, by the cells' ratios, every gate that has no price of its own."""
    yield replace(nand2, delay_s=_delay("nand2", node_nm))
    for gate, (energy, area, _, status) in WEIGHTS.items():
        if gate not in _OWN_PRICE:
            yield Price(
                gate,
                nand2.energy_j * energy,
                nand2.area_m2 * area,
                nand2.energy_source,  # one source for all: the ratios stand beside it in `numbers`
                nand2.area_source,
                f"ratio {status}; NAND2 {nand2.energy_status}",
                f"ratio {status}; NAND2 {nand2.area_status}",
                _delay(gate, node_nm),
            )


def _delay(gate: str, node_nm: float) -> float | None:
    """Published for NAND2 and XOR2 at 28 nm alone; no rule carries it elsewhere."""
    known = node_nm == CELL_NM and gate in ("nand2", "xor2")
    return DELAYS[gate] * NAND2_DELAY_S if known else None


def numbers() -> Iterator[Number]:
    """The absolute 28 nm cell, and every cell in units of it."""
    yield Number("cell_28nm.nand2.capacitance", NAND2_FARAD, "F", "ZigZag IMC, 28 nm, 0.9 V", "read")
    yield Number("cell_28nm.nand2.energy", NAND2_FARAD * CELL_V**2, "J", "ZigZag IMC, 28 nm, C V² at 0.9 V", "read")
    yield Number("cell_28nm.nand2.area", NAND2_AREA_M2, "m2", "ZigZag IMC, 28 nm", "read")
    yield Number("cell_28nm.nand2.delay", NAND2_DELAY_S, "s", "ZigZag IMC, 28 nm, 0.9 V", "read")
    for gate, (*weights, status) in WEIGHTS.items():
        for word, value in zip(("energy", "area", "delay"), weights, strict=True):
            yield Number(f"cell.{gate}.{word}", value, "1", f"{SOURCE}, in NAND2", status)
