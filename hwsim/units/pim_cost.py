"""Area of the PIM blocks and energy of the DRAM commands that feed them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from hwsim.base.quantities import Fraction01, Joules
from hwsim.base.record import Record
from hwsim.technology.primitives import FloatAdder, FloatMultiplier, Register
from hwsim.units.base import UnitCost
from hwsim.units.pim_program import PimShape

if TYPE_CHECKING:
    from hwsim.technology.base import Technology


class PimEnergy(Record):
    """Energy of DRAM commands that a price per bit does not tell apart."""

    standard: str = "HBM2"
    """DRAM standard whose energy per bit the technology is asked for."""
    bank_share: Fraction01 = 0.43
    """Part of the energy per bit spent up to the global sense amplifiers, which is all that a PIM access needs.
    HBM2 in O'Connor et al., Fine-Grained DRAM (MICRO 2017): 1.51 of 1.51 + 1.17 + 0.80 pJ/bit (*recalled*)."""
    activate: Joules = 909e-12
    """Activate and precharge of one row of one bank; same source (*recalled*), for a row of 1 KiB."""
    refreshes_per_pass: int = Field(8192, ge=1)
    """Refresh commands that refresh every row once (JEDEC, *recalled*); a refresh costs its rows' activates
    (*assumed*)."""


def pim_cost(shape: PimShape, fmt: Any, instructions: int, prices: PimEnergy, technology: Technology) -> UnitCost:
    """Area of all blocks; energy of one action of one bank, block or lane."""
    multiplier = technology.cost(FloatMultiplier(fmt.exponent_bits, fmt.precision))
    adder = technology.cost(FloatAdder(fmt.exponent_bits, fmt.precision))
    register = technology.cost(Register(shape.lanes * fmt.bits))
    store = technology.cost(Register(32 * instructions))
    dram = technology.dram(prices.standard)
    burst_j = 8 * shape.organization.burst_bytes * dram.energy_j_per_bit * prices.bank_share
    rows = shape.organization.rows / prices.refreshes_per_pass
    blocks = shape.organization.channels * shape.blocks
    # A multiply-accumulate reads GRF_A and GRF_B and writes GRF_B; a register's price is for one access.
    operands_j = 3 * register.energy_j / shape.lanes
    area = {
        "multipliers": blocks * shape.lanes * multiplier.area_m2,
        "adders": blocks * shape.lanes * adder.area_m2,
        "registers": blocks * 2 * shape.registers * register.area_m2,
        "instruction stores": blocks * store.area_m2,
    }
    energy = {
        "activate": prices.activate,
        "bank_read": burst_j,
        "bank_write": burst_j,
        "register_write": register.energy_j,
        "mac": multiplier.energy_j + adder.energy_j + operands_j,
        "add": adder.energy_j + operands_j,
        "mul": multiplier.energy_j + operands_j,
        "relu": operands_j,
        "refresh": rows * prices.activate,
    }
    share = f"{prices.bank_share:g} of {dram.source} ({dram.status}); share: O'Connor et al., MICRO 2017 (recalled)"
    logic = {"multipliers": multiplier, "adders": adder, "registers": register, "instruction stores": store}
    sources = {name: f"{cost.source} ({cost.status})" for name, cost in logic.items()} | {
        "bank_read": share,
        "bank_write": f"{share}; a write costs as much as a read (assumed)",
        "activate": "O'Connor et al., MICRO 2017, HBM2 (recalled)",
        "refresh": f"{rows:g} rows activated per bank and refresh (assumed)",
    }
    operands = f"registers: {sources['registers']}"
    does = {"mac": ("multipliers", "adders"), "add": ("adders",), "mul": ("multipliers",), "relu": ()}
    for action, parts in does.items():
        words = "; ".join((*(f"{part}: {sources[part]}" for part in parts), operands))
        sources[action] = f"{words} (that of its parts)"
    sources["register_write"] = sources["registers"]
    flip_flops = blocks * (2 * shape.registers * shape.lanes * fmt.bits + 32 * instructions)
    return UnitCost(area, energy, sources, register_bits=flip_flops)
