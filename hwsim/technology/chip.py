"""What a chip draws beside its operations: leakage by area and time, the clock's pins, wires by length.

Leakage: standard cells of a 40 nm process as Aladdin's library states them for its 32-bit adder and multiplier at
1 GHz (0.0801 mW on 6629 µm²) and for a register bit. The density in W/m² is kept at every node and for SRAM, which is
*assumed*: per area, leakage is steered by the choice of transistor more than by the node.

Wires: E = α·½·C·V² per bit and metre. C = 0.2 pF/mm is the usual figure for a wire at minimum pitch, repeaters
excluded, and hardly changes from node to node (R. Ho, K. Mai, M. Horowitz, "The future of wires", Proceedings of the
IEEE 89(4), 2001; *recalled*); α = ½ of the bits change from one word to the next (*assumed*: random bits). At 0.9 V
that is 40 fJ per bit and mm; W. Dally's talks quote 60 to 80 fJ for a bit that changes (*recalled*).

Clock: the clock pin of every flip-flop is charged once a cycle, E = C·V². C = 0.95 fF at 45 nm (DFF_X1 of the Nangate
open cell library, *recalled*), scaled like any energy. The tree's own wires and buffers are in no source here and left
out; what a register draws inside when it is accessed is its own price.
"""

from __future__ import annotations

from hwsim.technology.records import Number
from hwsim.technology.scaling import VOLTAGE_V, energy_factor, rule

LIBRARY = "Aladdin (harvard-acc/ALADDIN, common/power_func.h)"
ALADDIN_LEAKAGE_W_PER_M2 = (0.07786052e-3 + 0.002249908e-3) / (6351.338e-12 + 277.9792e-12)
"""Power over area of the multiplier and the adder of 32 bits, 40 nm, 1 ns (read): 12.1 mW/mm²."""
WIRE_FARAD_PER_M = 0.2e-12 / 1e-3
WIRE_ACTIVITY = 0.5
CLOCK_PIN_FARAD, CLOCK_PIN_NM = 0.95e-15, 45

LOGIC, SRAM, CLOCK, WIRE = "leakage.logic", "leakage.sram", "clock.energy_per_bit", "wires.energy_per_bit"
"""Names of the four numbers, which are also their keys under ``costs`` of an architecture."""


def numbers(node_nm: int, voltage_v: float) -> list[Number]:
    """Leakage of logic and of SRAM in W/m2, clock per flip-flop bit and cycle in J/bit, wires in J/bit/m."""
    return [
        Number(LOGIC, ALADDIN_LEAKAGE_W_PER_M2, "W/m2", _leakage_source(node_nm), _leakage_status(node_nm)),
        Number(SRAM, ALADDIN_LEAKAGE_W_PER_M2, "W/m2", f"as logic: {_leakage_source(node_nm)}", "assumed"),
        _clock(node_nm, voltage_v),
        _wire(voltage_v),
    ]


def _leakage_source(node_nm: int) -> str:
    return f"{LIBRARY}, 40 nm: adder and multiplier of 32 bits" + (", density kept" if node_nm != 40 else "")


def _leakage_status(node_nm: int) -> str:
    return "read" if node_nm == 40 else "assumed (read at 40 nm)"


def _clock(node_nm: int, voltage_v: float) -> Number:
    energy = CLOCK_PIN_FARAD * VOLTAGE_V**2
    source = f"clock pin of {CLOCK_PIN_FARAD * 1e15:g} fF (Nangate 45 nm, DFF_X1), C V² at {VOLTAGE_V:g} V"
    if (node_nm, voltage_v) == (CLOCK_PIN_NM, VOLTAGE_V):
        return Number(CLOCK, energy, "J/bit", source, "recalled")
    factor = energy_factor(CLOCK_PIN_NM, node_nm, VOLTAGE_V, voltage_v)
    words = rule(CLOCK_PIN_NM, node_nm, factor, voltage_v)
    return Number(CLOCK, energy * factor, "J/bit", f"{source} {words}", "scaled (recalled)")


def _wire(voltage_v: float) -> Number:
    energy = WIRE_ACTIVITY * 0.5 * WIRE_FARAD_PER_M * voltage_v**2
    source = f"½ x ½ C V², C = 0.2 pF/mm (Ho, Mai, Horowitz 2001), {voltage_v:g} V; half of the bits change: assumed"
    return Number(WIRE, energy, "J/bit/m", source, "recalled")
