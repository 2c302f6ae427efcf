"""DRAM standards: energy per bit moved and peak bandwidth of one stack or channel.

Bandwidth follows from the standard's data rate. Energy does not change with the logic's node. A standard without a
published energy takes that of its nearest published relative, labelled *assumed*. Where two sources
differ, the measured one is used and the other is listed.
"""

from __future__ import annotations

from typing import Literal

from hwsim.base.errors import InputError, did_you_mean
from hwsim.technology.published import JOUPPI
from hwsim.technology.records import DramCost, Number

CACTI = "hwcomponents-cacti 1.0.40"
_GB = 1e9


def _stack(standard: str, gigabytes: float, picojoules: float, source: str, status: str) -> DramCost:
    return DramCost(standard, picojoules * 1e-12, gigabytes * _GB, "stack", None, source, status)


def _channel(standard: str, wires: tuple[int, float], picojoules: float, source: str, status: str) -> DramCost:
    bits, megatransfers = wires
    bandwidth = megatransfers * 1e6 * bits / 8
    return DramCost(standard, picojoules * 1e-12, bandwidth, "channel", bits, source, status)


_DDR_PJ = 1300 / 64
_GDDR6_PJ = 415 / 64  # midpoint of 350 to 480 pJ per 64 bits

STANDARDS: dict[str, DramCost] = {
    entry.standard: entry
    for entry in (
        _channel("DDR4", (64, 3200), _DDR_PJ, f"DDR4-3200; {JOUPPI}, DDR3/4, 64 b", "recalled"),
        _channel("DDR5", (64, 4800), _DDR_PJ, f"DDR5-4800; DDR4's energy ({JOUPPI})", "assumed"),
        _channel("LPDDR4", (32, 4266), 8.0, f"LPDDR4-4266; {CACTI}", "measured"),
        _channel("LPDDR5", (32, 6400), 8.0, f"LPDDR5-6400; LPDDR4's energy ({CACTI})", "assumed"),
        _channel("GDDR6", (32, 16000), _GDDR6_PJ, f"16 Gb/s pins; {JOUPPI}, midpoint of 350 to 480 pJ", "recalled"),
        _stack("HBM2", 256, 6.25, f"256 GB/s per stack; {CACTI}", "measured"),
        _stack("HBM2E", 460, 6.25, f"460 GB/s per stack; HBM2's energy ({CACTI})", "assumed"),
        _stack("HBM3", 819, 4.05, f"819 GB/s per stack; {CACTI}", "measured"),
        _stack("HBM3E", 1177.6, 4.05, f"9.2 Gb/s x 1024 pins (recalled); HBM3's energy ({CACTI})", "assumed"),
    )
}

# Published energies that the table above does not use.
OTHERS = (
    Number("published.dram.horowitz.energy_per_bit", 1300e-12 / 64, "J/bit", "Horowitz, 1300 to 2600 pJ", "recalled"),
    Number("published.dram.HBM2.jouppi", 350e-12 / 64, "J/bit", f"{JOUPPI}, midpoint of 250 to 450 pJ", "recalled"),
    Number("published.dram.DDR3.energy_per_bit", 70e-12, "J/bit", CACTI, "measured"),
    Number("published.dram.LPDDR.energy_per_bit", 40e-12, "J/bit", CACTI, "measured"),
    Number("published.dram.HBM4.energy_per_bit", 3.2e-12, "J/bit", CACTI, "measured"),
)


def canonical(standard: str) -> str:
    """The standard's own spelling; raises `InputError` with the nearest name.

    >>> canonical("hbm2e")
    'HBM2E'
    """
    names = {name.lower(): name for name in STANDARDS}
    found = names.get(str(standard).lower())
    if found is None:
        raise InputError(f"unknown DRAM standard '{standard}'{did_you_mean(standard, STANDARDS)}")
    return found


def get(standard: str) -> DramCost:
    """Energy and bandwidth of ``standard``; raises `InputError` with the nearest name."""
    return STANDARDS[canonical(standard)]


def part(standard: str) -> Literal["stack", "channel"]:
    """What a memory of this standard is counted in."""
    return get(standard).part


def numbers() -> list[Number]:
    """Bandwidth and energy of every standard, and the published energies that are not used."""
    found = []
    for name, entry in STANDARDS.items():
        rate = entry.source.partition(";")[0]
        found.append(Number(f"dram.{name}.energy_per_bit", entry.energy_j_per_bit, "J/bit", entry.source, entry.status))
        bandwidth = Number(
            f"dram.{name}.bandwidth", entry.bandwidth_bytes_per_s, "B/s", f"{rate}, per {entry.part}", "read"
        )
        found.append(bandwidth)
    return [*found, *OTHERS]
