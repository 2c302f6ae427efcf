"""What a DRAM's data sheet says: the organization of one (pseudo-)channel and the cycles between its commands.

The defaults are HBM2 at 1 GHz as Samsung's public PIMSimulator sets it
(github.com/SAITPublic/PIMSimulator, ini/HBM2_samsung_2M_16B_x64.ini; called *ini* below). Another DRAM
is another set of these numbers. Symbols are JEDEC's; every time is in cycles of the command clock.
"""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from hwsim.base.record import Record


class DramOrganization(Record):
    """Channels, banks, rows and bursts. A *burst* is what one column command moves."""

    channels: int = Field(64, ge=1)
    """Independent (pseudo-)channels; ini: system_hbm_64ch, four stacks of 16 pseudo-channels."""
    bank_groups: int = Field(4, ge=1)
    """Bank groups of a channel; ini: NUM_BANK_GROUPS."""
    banks_per_group: int = Field(4, ge=1)
    """Banks of a group; ini: NUM_BANKS / NUM_BANK_GROUPS."""
    rows: int = Field(16384, ge=1)
    """Rows of a bank; ini: NUM_ROWS."""
    bursts_per_row: int = Field(32, ge=1)
    """Column addresses of a row in bursts; ini: NUM_COLS / BL."""
    burst_bytes: int = Field(32, ge=1)
    """Bytes of a burst; ini: BL 4 on 64 bits."""

    @property
    def banks(self) -> int:
        """Banks of a channel."""
        return self.bank_groups * self.banks_per_group

    def group(self, bank: int) -> int:
        """Bank group of ``bank``: banks are numbered group by group."""
        return bank // self.banks_per_group


class DramTiming(Record):
    """Cycles between commands of one channel."""

    burst: int = Field(2, ge=1)
    """Cycles that a burst occupies the data bus; ini: BL / 2."""
    RL: int = Field(20, ge=1)
    """Read command to first data; ini."""
    WL: int = Field(8, ge=1)
    """Write command to first data; ini."""
    tRCDRD: int = Field(14, ge=1)
    """Activate to read; ini."""
    tRCDWR: int = Field(10, ge=1)
    """Activate to write; ini."""
    tRAS: int = Field(33, ge=1)
    """Activate to precharge; ini."""
    tRP: int = Field(14, ge=1)
    """Precharge to activate; ini."""
    tRC: int = Field(47, ge=1)
    """Activate to activate, same bank; ini."""
    tCCD_S: int = Field(2, ge=1)
    """Column command to column command, other bank group; ini: tCCDS."""
    tCCD_L: int = Field(4, ge=1)
    """Column command to column command, same bank group; ini: tCCDL."""
    tRRD_S: int = Field(4, ge=1)
    """Activate to activate, other bank group; ini: tRRDS."""
    tRRD_L: int = Field(6, ge=1)
    """Activate to activate, same bank group; ini: tRRDL."""
    tFAW: int = Field(16, ge=1)
    """Window of four activates; ini: XAW 4, tXAW 16."""
    tRTP: int = Field(5, ge=1)
    """Read to precharge; ini: tRTPL."""
    tWR: int = Field(16, ge=1)
    """Write recovery: last write data to precharge; ini."""
    tWTR_S: int = Field(4, ge=1)
    """Last write data to read, other bank group; ini: tWTRS."""
    tWTR_L: int = Field(9, ge=1)
    """Last write data to read, same bank group; ini: tWTRL."""
    tRTRS: int = Field(1, ge=0)
    """Idle cycle of the data bus when it turns from read to write; ini."""
    tREFI: int = Field(3900, ge=1)
    """Average interval between refreshes; ini."""
    tRFC: int = Field(350, ge=1)
    """Refresh to next command; ini."""

    @model_validator(mode="after")
    def _short_is_shorter(self) -> Self:
        for symbol in ("tCCD", "tRRD", "tWTR"):
            short, long = getattr(self, f"{symbol}_S"), getattr(self, f"{symbol}_L")
            if short > long:
                raise ValueError(f"{symbol}_S (another bank group) must not exceed {symbol}_L, got {short} > {long}")
        return self

    @property
    def column_short(self) -> int:
        """Column to column in another bank group: tCCD_S, at least the burst itself."""
        return max(self.tCCD_S, self.burst)

    @property
    def column_long(self) -> int:
        """Column to column in the same bank group: tCCD_L, at least the burst itself."""
        return max(self.tCCD_L, self.burst)

    @property
    def read_to_write(self) -> int:
        """RL + burst + tRTRS − WL: write data follows read data on the bus."""
        return max(self.RL + self.burst + self.tRTRS - self.WL, 1)

    @property
    def write_to_read_short(self) -> int:
        """WL + burst + tWTR_S."""
        return self.WL + self.burst + self.tWTR_S

    @property
    def write_to_read_long(self) -> int:
        """WL + burst + tWTR_L."""
        return self.WL + self.burst + self.tWTR_L

    @property
    def write_to_precharge(self) -> int:
        """WL + burst + tWR."""
        return self.WL + self.burst + self.tWR
