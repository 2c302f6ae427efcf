"""Hardware primitives described by their bit widths, and the structure that each is counted as.

A primitive knows no node and no number: `terms` says how many of which priced term it holds and `gate_delays` how
long its longest way is; a `Technology` has a price per term. A new primitive is a dataclass in
`hwsim.technology.blocks`; if its terms are already priced (gates, adder bits) it needs nothing else. One that is
made of others is a `Composite`.
"""

from hwsim.technology.blocks import (
    Comparator,
    Gate,
    IntegerAdder,
    IntegerMultiplier,
    LeadingZeroCounter,
    LookupTable,
    Multiplexer,
    OrTree,
    Register,
    Rounder,
    Shifter,
)
from hwsim.technology.float_units import FloatAdder, FloatMultiplier
from hwsim.technology.gates import GateKind
from hwsim.technology.primitive import Composite, Primitive

__all__ = [
    "Comparator",
    "Composite",
    "FloatAdder",
    "FloatMultiplier",
    "Gate",
    "GateKind",
    "IntegerAdder",
    "IntegerMultiplier",
    "LeadingZeroCounter",
    "LookupTable",
    "Multiplexer",
    "OrTree",
    "Primitive",
    "Register",
    "Rounder",
    "Shifter",
]
