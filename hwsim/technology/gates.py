"""Gates in units of a NAND2, and the NAND2 in units of the node's own adder bit.

Relative sizes from the 28 nm cells of ZigZag's in-memory-computing model (read): XOR2 has 1.5 x the
capacitance and 2.4 x the area and delay of a NAND2; a full adder is 3 NAND2 + 2 XOR2, so 6 NAND2 of energy
(E = C V²) and 7.8 of area. An adder bit of the node's table is taken as that full adder, which ties the
gates to the same published table as the arithmetic. How far that is from the absolute 28 nm cells is
among the checks of `hwsim.technology.checks`: libraries disagree, the ratios less so.
"""

from __future__ import annotations

from collections.abc import Iterator

from hwsim.technology.records import Number, Price

SOURCE = "cell ratios of ZigZag IMC, 28 nm"
NAND2_FARAD = 0.7e-15
NAND2_AREA_M2 = 0.614e-12
NAND2_DELAY_S = 47.8e-12
CELL_NM, CELL_V = 28, 0.9

# Energy and area in NAND2, and what the count rests on.
_XOR2 = (1.5, 2.4)
_WEIGHTS: dict[str, tuple[float, float, str]] = {
    "nand2": (1, 1, "read"),
    "xor2": (*_XOR2, "read"),
    "half_adder": (1 + _XOR2[0], 1 + _XOR2[1], "assumed: XOR2 + NAND2"),
    "full_adder": (3 + 2 * _XOR2[0], 3 + 2 * _XOR2[1], "read"),
    "mux2": (3, 3, "assumed: 3 NAND2, the select inverter shared by the word"),
}
_FULL_ADDER_ENERGY, _FULL_ADDER_AREA, _ = _WEIGHTS["full_adder"]


def prices(adder_bit: Price, node_nm: float) -> Iterator[Price]:
    """A price for every gate, from the node's adder bit."""
    for gate, (energy, area, status) in _WEIGHTS.items():
        yield Price(
            gate,
            adder_bit.energy_j * energy / _FULL_ADDER_ENERGY,
            adder_bit.area_m2 * area / _FULL_ADDER_AREA,
            f"{SOURCE}, {energy / _FULL_ADDER_ENERGY:.3g} of an adder bit ({adder_bit.energy_source})",
            f"{SOURCE}, {area / _FULL_ADDER_AREA:.3g} of an adder bit ({adder_bit.area_source})",
            f"ratio {status}; adder bit {adder_bit.energy_status}",
            f"ratio {status}; adder bit {adder_bit.area_status}",
            _delay(gate, node_nm),
        )


def _delay(gate: str, node_nm: float) -> float | None:
    """Published for NAND2 and XOR2 at 28 nm alone; no rule carries it elsewhere."""
    factor = {"nand2": 1.0, "xor2": 2.4}.get(gate)
    return None if node_nm != CELL_NM or factor is None else factor * NAND2_DELAY_S


def numbers() -> list[Number]:
    """The absolute 28 nm cells; `hwsim.technology.checks` holds the prices against them."""
    return [
        Number("cell_28nm.nand2.capacitance", NAND2_FARAD, "F", "ZigZag IMC, 28 nm, 0.9 V", "read"),
        Number("cell_28nm.nand2.energy", NAND2_FARAD * CELL_V**2, "J", "ZigZag IMC, 28 nm, C V² at 0.9 V", "read"),
        Number("cell_28nm.nand2.area", NAND2_AREA_M2, "m2", "ZigZag IMC, 28 nm", "read"),
        Number("cell_28nm.nand2.delay", NAND2_DELAY_S, "s", "ZigZag IMC, 28 nm, 0.9 V", "read"),
    ]
