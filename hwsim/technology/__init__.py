"""Process nodes and primitives: energy, area and gate delays, each number with its source and status.

Energies are those of one operation with the activity that the published tables assume; leakage, clock and wires are in
`hwsim.technology.chip`. Nodes: `get`, `names`; the two ways to another node: `scaling`.

>>> from hwsim import technology
>>> from hwsim.technology import FloatMultiplier
>>> cost = technology.get("45nm").cost(FloatMultiplier(exponent_bits=5, significand_bits=11))
>>> f"{cost.energy_j * 1e12:.2f} pJ, {cost.gate_delays:.1f} gate delays"
'0.91 pJ, 78.7 gate delays'
>>> cost.status
'energy fitted, residual ±17.2 %; area built from cells, residual ±58.0 %'
"""

from hwsim.technology.base import Technology, from_table, get, names, scaled
from hwsim.technology.primitives import (
    Comparator,
    FloatAdder,
    FloatMultiplier,
    Gate,
    IntegerAdder,
    IntegerMultiplier,
    LeadingZeroCounter,
    LookupTable,
    Multiplexer,
    OrTree,
    Primitive,
    Register,
    Rounder,
    Shifter,
)
from hwsim.technology.records import Cost, DramCost, Number, Price, SramCost

__all__ = [
    "Comparator",
    "Cost",
    "DramCost",
    "FloatAdder",
    "FloatMultiplier",
    "Gate",
    "IntegerAdder",
    "IntegerMultiplier",
    "LeadingZeroCounter",
    "LookupTable",
    "Multiplexer",
    "Number",
    "OrTree",
    "Price",
    "Primitive",
    "Register",
    "Rounder",
    "Shifter",
    "SramCost",
    "Technology",
    "from_table",
    "get",
    "names",
    "scaled",
]
