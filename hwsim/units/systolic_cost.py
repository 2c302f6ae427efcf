"""Area and energy of systolic arrays, by part and action."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hwsim.datapath.parts import Part, cost_of
from hwsim.units.base import UnitCost

if TYPE_CHECKING:
    from hwsim.technology.base import Technology
    from hwsim.units.systolic import SystolicArray


def cost(array: SystolicArray, technology: Technology) -> UnitCost:
    """Datapaths and operand registers of the elements, fold adders of the columns, and what the options add.

    A hop costs what `Register` states for an access of the operand's width, a stored weight's place included.
    Wires, the controller and the registers that skew the inputs are left out.
    """
    from hwsim.technology.primitives import Register

    elements = array.arrays * array.rows * array.cols
    lane = array.pe.cost(technology)
    bits = {"a": array.a_format.bits, "b": array.b_format.bits, "sum": sum_bits(array)}
    if array.sparsity is not None:
        bits["b"] += array.sparsity.index_bits
    registers = {name: technology.cost(Register(width)) for name, width in bits.items()}
    area = {name: elements * value for name, value in lane.area_m2.items()}
    area["operand registers"] = elements * (registers["a"].area_m2 + registers["b"].area_m2)
    energy = {"mac": lane.total_energy_per_mac_j}
    energy |= {f"{name}_hop": cost.energy_j for name, cost in registers.items()}
    sources = dict(lane.sources) | {"operand registers": f"{registers['a'].source} ({registers['a'].status})"}
    name, count, parts = beside_elements(array)
    extra = cost_of(parts, technology)
    area[name] = count * extra.total_area_m2
    sources[name] = next(iter(extra.sources.values()))
    flip_flops = elements * (lane.register_bits + bits["a"] + bits["b"]) + count * extra.register_bits
    for part, how_many in of_options(array):
        price = cost_of([part], technology)
        area[part.name] = how_many * price.total_area_m2
        sources[part.name] = next(iter(price.sources.values()))
        flip_flops += how_many * price.register_bits
    drawn_by: dict[str, Mapping[str, float]] = {"mac": lane.energy_per_mac_j}
    drawn_by |= {f"{side}_hop": {"operand registers": registers[side].energy_j} for side in "ab"}
    drawn_by["sum_hop"] = {"accumulator register": registers["sum"].energy_j}
    if array.fold_adder is not None:
        energy["fold_add"] = extra.total_energy_per_mac_j
        drawn_by["fold_add"] = {name: extra.total_energy_per_mac_j}
    return UnitCost(area, energy, sources, drawn_by, flip_flops)


def sum_bits(array: SystolicArray) -> int:
    """Bits of an element's sum."""
    return array.pe.model_copy(update={"output": None}).result_format.bits


def beside_elements(array: SystolicArray) -> tuple[str, int, list[Part]]:
    """Name, count and blocks of what the dataflow needs beside multipliers, accumulators and operand registers."""
    from hwsim.technology.primitives import Multiplexer

    if array.fold_adder is not None:
        return "fold adders", array.arrays * array.cols, array.fold_adder.parts(lanes=1, adds=True)
    drain = Part("drain multiplexer", Multiplexer(sum_bits(array), 2))
    return "drain multiplexers", array.arrays * array.rows * array.cols, [drain]


def of_options(array: SystolicArray) -> list[tuple[Part, int]]:
    """Parts, named in the plural, and how many the whole unit has."""
    from hwsim.technology.primitives import Multiplexer, Register

    elements, width = array.arrays * array.rows * array.cols, sum_bits(array)
    found = []
    if array.sums_per_pe > 1:
        # The datapath has the accumulator's own register; the others are beside it, one of all chosen for each sum.
        found.append((Part("sum buffers", Register((array.sums_per_pe - 1) * width)), elements))
        found.append((Part("sum buffer multiplexers", Multiplexer(width, array.sums_per_pe)), elements))
    if array.folds == "overlapped" and array.dataflow == "output_stationary":
        found.append((Part("drain registers", Register(array.sums_per_pe * width)), elements))
    elif array.folds == "overlapped":
        stays = array.b_format if array.dataflow == "weight_stationary" else array.a_format
        index = array.sparsity.index_bits if array.sparsity is not None else 0
        found.append((Part("preload registers", Register(stays.bits + index)), elements))
    if array.edge_tiles == "early" and array.rows > 1:
        found.append((Part("exits of edge tiles", Multiplexer(width, array.rows)), array.arrays * array.cols))
    if array.sparsity is not None:
        # A group's candidates pass every element; one of them is chosen by the weight's place.
        keep, of = array.sparsity.keep, array.sparsity.of
        beside, groups = (of - keep, elements // keep) if array.dataflow == "weight_stationary" else (of - 1, elements)
        if beside:
            found.append((Part("candidate registers", Register(beside * array.a_format.bits)), groups))
        found.append((Part("candidate multiplexers", Multiplexer(array.a_format.bits, of)), elements))
    return found
