"""Scaling between nodes: A. Stillmaker and B. Baas, Integration 58 (2017), 74-81.

Energy: ``e(V) = a V² + b V + c`` per node; a figure known at one node is multiplied by
``e_to(V_to) / e_from(V_from)``. Area: a factor per node relative to 45 nm.
Nodes between two of the table (40, 28, 22 nm) are interpolated log-log, which is our own step: *assumed*.

At 0.9 V the rule gives 0.102 from 45 to 7 nm, where the published tables of the two nodes themselves have
0.35 (int8 multiply) and 0.23 (int8 add). Both are shipped: `7nm` uses the tables, `7nm_scaled` the rule.
"""

from __future__ import annotations

import math

from hwsim.base.errors import InputError
from hwsim.technology.records import Number

SOURCE = "Stillmaker & Baas 2017"
VOLTAGE_V = 0.9
"""Supply of the 45 nm table; kept at every node unless another is asked for (*assumed*)."""

# node: (a, b, c, area relative to 45 nm)
_TABLE: dict[int, tuple[float, float, float, float]] = {
    130: (7.171, -6.709, 2.904, 6.4),
    90: (4.762, -4.781, 2.092, 2.8),
    65: (3.755, -4.398, 1.975, 1.5),
    45: (1.103, -0.362, 0.2767, 1.0),
    32: (0.9559, -0.7823, 0.471, 0.46),
    20: (0.373, -0.1582, 0.04104, 0.21),
    16: (0.2958, -0.1241, 0.03024, 0.19),
    14: (0.2363, -0.09675, 0.02239, 0.17),
    10: (0.2068, -0.09311, 0.02375, 0.10),
    7: (0.1776, -0.09097, 0.02447, 0.059),
}
NODES = tuple(_TABLE)
"""Nodes of the published table, in nm."""
INTERPOLATED = (40, 28, 22)
"""Nodes between them for which other tables have numbers."""


def energy_factor(from_nm: float, to_nm: float, from_v: float = VOLTAGE_V, to_v: float = VOLTAGE_V) -> float:
    """What an energy at ``from_nm`` and ``from_v`` is multiplied by to get it at ``to_nm`` and ``to_v``.

    >>> round(energy_factor(45, 7), 3)
    0.102

    Raises `InputError` for a node outside the table or a voltage that is not positive.
    """
    return _energy(to_nm, to_v) / _energy(from_nm, from_v)


def area_factor(from_nm: float, to_nm: float) -> float:
    """What an area at ``from_nm`` is multiplied by to get it at ``to_nm``.

    >>> area_factor(45, 7)
    0.059
    """
    areas = {node: row[3] for node, row in _TABLE.items()}
    return _interpolate(to_nm, areas) / _interpolate(from_nm, areas)


def rule(from_nm: float, to_nm: float, factor: float, to_v: float = VOLTAGE_V) -> str:
    """The words for a source: the factor, the rule, a supply of its own, and whether a node was interpolated."""
    between = [f"{node:g} nm" for node in (from_nm, to_nm) if node not in _TABLE]
    note = f", {' and '.join(between)} interpolated" if between else ""
    if to_v != VOLTAGE_V:
        note = f", {VOLTAGE_V:g} to {to_v:g} V{note}"
    return f"x {factor:.4g} ({SOURCE}, {from_nm:g} to {to_nm:g} nm{note})"


def numbers(node_nm: int) -> list[Number]:
    """The rule's factors from 45 nm, beside what the published tables themselves have."""
    status = "recalled" if node_nm in _TABLE else "assumed"
    found = [
        Number("scaling.energy_from_45nm", energy_factor(45, node_nm), "1", f"{SOURCE} at {VOLTAGE_V} V", status),
        Number("scaling.area_from_45nm", area_factor(45, node_nm), "1", SOURCE, status),
    ]
    if node_nm == 7:
        tables = "ratio of Jouppi et al. 2021 to Horowitz 2014"
        found.append(Number("scaling.tables.int8_multiply_from_45nm", 0.07 / 0.2, "1", tables, "recalled"))
        found.append(Number("scaling.tables.int8_add_from_45nm", 0.007 / 0.03, "1", tables, "recalled"))
    return found


def _energy(node_nm: float, volts: float) -> float:
    """e(V) of a node, interpolated between its neighbours where the table has no row."""
    if volts <= 0:
        raise InputError(f"a supply voltage is above zero, got {volts:g} V")
    known = {node: a * volts * volts + b * volts + c for node, (a, b, c, _) in _TABLE.items()}
    return _interpolate(node_nm, known)


def _interpolate(node_nm: float, known: dict[int, float]) -> float:
    if node_nm in known:
        return known[int(node_nm)]
    if not min(known) < node_nm < max(known):
        raise InputError(f"{node_nm:g} nm is outside the scaling table, {min(known)} to {max(known)} nm")
    below = max(node for node in known if node < node_nm)
    above = min(node for node in known if node > node_nm)
    share = math.log(node_nm / below) / math.log(above / below)
    return known[below] * math.exp(share * math.log(known[above] / known[below]))
