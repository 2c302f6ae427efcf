"""Organization and timing of each DRAM standard, with where the numbers come from and how far to trust them.

Cycles are of the command clock. A data sheet gives times in ns; these are rounded up, the refresh interval down.
HBM2E, HBM3 and HBM3E publish no timings outside their standards: they take HBM2's times at their own clocks
(*assumed*, as Ramulator 2 does for HBM3). One rank; the densities are stated with each.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hwsim.memory.dram_timing import DramOrganization, DramTiming
from hwsim.technology import dram as prices
from hwsim.technology.records import Number


@dataclass(frozen=True)
class DramStandard:
    """What a channel of a standard is made of and how fast its commands follow each other."""

    name: str
    clock_hz: float
    """Command clock."""
    organization: DramOrganization
    """``channels`` of one stack (HBM) or of one channel as the price list counts it (two subchannels of DDR5)."""
    timing: DramTiming
    source: str
    status: str

    @property
    def peak_bytes_per_s(self) -> float:
        """Data bus of all channels of one stack or channel: bursts back to back."""
        burst_s = self.timing.burst / self.clock_hz
        return self.organization.channels * self.organization.burst_bytes / burst_s

    def numbers(self) -> Iterator[Number]:
        """Every field, as ``dram.HBM2.tRC`` and the like."""
        yield Number(f"dram.{self.name}.clock", self.clock_hz, "Hz", self.source, self.status)
        for record in (self.organization, self.timing):
            for field, value in record:
                if value is not None:
                    yield Number(f"dram.{self.name}.{field}", value, "1", self.source, self.status)


_HBM2_NS = {
    "RL": 20, "WL": 8, "tRCDRD": 14, "tRCDWR": 10, "tRAS": 33, "tRP": 14, "tRC": 47, "tRRD_S": 4, "tRRD_L": 6,
    "tFAW": 16, "tRTP": 5, "tWR": 16, "tWTR_S": 4, "tWTR_L": 9, "tRTRS": 1, "tREFI": 3900, "tRFC": 350,
}  # fmt: skip
"""ns, which at 1 GHz are the cycles of PIMSimulator's HBM2_samsung_2M_16B_x64.ini."""


def _cycles(nanoseconds: float, clock_hz: float, down: bool = False) -> int:
    exact = round(nanoseconds * clock_hz / 1e9, 9)
    return math.floor(exact) if down else math.ceil(exact)


def _timed(clock_hz: float, nanoseconds: Mapping[str, float], **cycles: int) -> DramTiming:
    """Times in ns rounded to the clock as data sheets ask, and what is given in cycles."""
    rounded = {name: _cycles(value, clock_hz, down=name == "tREFI") for name, value in nanoseconds.items()}
    return DramTiming(**{**rounded, **cycles})


def _hbm(name: str, clock_ghz: float, channels: int, source: str) -> DramStandard:
    """Pseudo-channels of 32 B bursts in two cycles; a row of 1 KiB."""
    clock_hz = clock_ghz * 1e9
    timing = _timed(clock_hz, _HBM2_NS, burst=2, tCCD_S=2, tCCD_L=4)
    words = f"{source}; HBM2's times in ns at {clock_ghz:g} GHz"
    return DramStandard(name, clock_hz, DramOrganization(channels=channels), timing, words, "assumed")


_GDDR6_NS = {
    name: cycles / 1.75
    for name, cycles in {
        "RL": 24, "WL": 6, "tRCDRD": 26, "tRCDWR": 16, "tRAS": 53, "tRP": 26, "tRC": 79, "tRRD_S": 7, "tRRD_L": 7,
        "tFAW": 28, "tRTP": 4, "tWR": 26, "tWTR_S": 9, "tWTR_L": 11, "tRTRS": 4, "tRFC": 210, "tREFI": 3333,
    }.items()
}  # fmt: skip
"""Cycles of 1.75 GHz (14 Gb/s) in Ramulator 2, GDDR6.cpp, preset 2000_1350mV, in ns."""

# In cycles of the command clock. Sources: `STANDARDS` below.
_DDR4_3200 = DramTiming(
    burst=4, RL=22, WL=16, tRCDRD=22, tRCDWR=22, tRAS=52, tRP=22, tRC=74, tCCD_S=4, tCCD_L=8, tRRD_S=4, tRRD_L=8,
    tFAW=34, tRTP=12, tWR=24, tWTR_S=4, tWTR_L=12, tRTRS=1, tREFI=12480, tRFC=560,
)  # fmt: skip
_DDR5_4800 = DramTiming(
    burst=8, RL=40, WL=38, tRCDRD=39, tRCDWR=39, tRAS=77, tRP=39, tRC=116, tCCD_S=8, tCCD_L=12, tRRD_S=8, tRRD_L=12,
    tFAW=32, tRTP=18, tWR=72, tWTR_S=6, tWTR_L=24, tRTRS=4, tREFI=9360, tRFC=708,
)  # fmt: skip
_LPDDR4_4266 = DramTiming(
    burst=8, RL=36, WL=18, tRCDRD=39, tRCDWR=39, tRAS=90, tRP=39, tRC=129, tCCD_S=8, tCCD_L=8, tRRD_S=22, tRRD_L=22,
    tFAW=86, tRTP=17, tWR=39, tWTR_S=22, tWTR_L=22, tRTRS=6, tREFI=8327, tRFC=599,
)  # fmt: skip
_LPDDR5_6400 = DramTiming(
    burst=2, RL=20, WL=11, tRCDRD=15, tRCDWR=15, tRAS=34, tRP=15, tRC=49, tCCD_S=2, tCCD_L=4, tRRD_S=4, tRRD_L=4,
    tFAW=16, tRTP=4, tWR=28, tWTR_S=5, tWTR_L=10, tRTRS=2, tREFI=3124, tRFC=168,
)  # fmt: skip


def _organized(
    channels: int, groups: int, banks: int, rows: int, row_bursts: int, burst_bytes: int
) -> DramOrganization:
    return DramOrganization(
        channels=channels, bank_groups=groups, banks_per_group=banks, rows=rows, bursts_per_row=row_bursts,
        burst_bytes=burst_bytes,
    )  # fmt: skip


STANDARDS: dict[str, DramStandard] = {
    entry.name: entry
    for entry in (
        DramStandard(
            "DDR4",
            1.6e9,
            _organized(1, 4, 4, 65536, 128, 64),
            _DDR4_3200,
            "DDR4-3200, eight 8 Gb x8 chips: DRAMsim3, DDR4_8Gb_x8_3200.ini",
            "read",
        ),
        DramStandard(
            "DDR5",
            2.4e9,
            _organized(2, 8, 4, 65536, 64, 64),
            _DDR5_4800,
            "DDR5-4800B, 16 Gb x8 chips, two subchannels of 32 bits: JESD79-5. Its longer write to write distance of "
            "a bank group (48) is not modelled: writes that go round the eight groups are 64 apart",
            "recalled",
        ),
        DramStandard(
            "LPDDR4",
            2.133e9,
            _organized(2, 1, 8, 65536, 64, 32),
            _LPDDR4_4266,
            "LPDDR4-4266, 8 Gb per channel of 16 bits: DRAMSys, JEDEC_512Mbx16_LPDDR4-4266.json; tRP is that of one "
            "bank (all banks: 45), tRTRS its DQSCK + WPRE, tREFI 3.904 us (recalled)",
            "read",
        ),
        DramStandard(
            "LPDDR5",
            0.8e9,
            _organized(2, 4, 4, 32768, 64, 32),
            _LPDDR5_6400,
            "LPDDR5-6400, 8 Gb per channel of 16 bits: Ramulator 2, LPDDR5.cpp; bank group mode with bursts of 16 "
            "(2 cycles, tCCD 2 and 4) and tRC = tRAS + tRP: JESD209-5 (recalled); an activate is one command here",
            "read",
        ),
        DramStandard(
            "GDDR6",
            2.0e9,
            _organized(2, 4, 4, 16384, 64, 32),
            _timed(2.0e9, _GDDR6_NS, burst=2, tCCD_S=2, tCCD_L=4),
            "16 Gb/s, 8 Gb: the times of Ramulator 2's GDDR6.cpp (14 Gb/s) in ns; burst and tCCD: JESD250 (recalled)",
            "assumed",
        ),
        DramStandard(
            "HBM2",
            1.0e9,
            DramOrganization(channels=16),
            DramTiming(),
            "2 Gb/s: PIMSimulator, HBM2_samsung_2M_16B_x64.ini; 16 pseudo-channels per stack",
            "read",
        ),
        _hbm("HBM2E", 1.8, 16, "3.6 Gb/s, 16 pseudo-channels per stack"),
        _hbm("HBM3", 1.6, 32, "6.4 Gb/s, 32 pseudo-channels per stack, clock a quarter of the data rate (JESD238)"),
        _hbm("HBM3E", 2.3, 32, "9.2 Gb/s, 32 pseudo-channels per stack, clock a quarter of the data rate"),
    )
}


def get(name: str) -> DramStandard:
    """The record of ``name``; raises `InputError` with the nearest name."""
    return STANDARDS[prices.canonical(name)]
