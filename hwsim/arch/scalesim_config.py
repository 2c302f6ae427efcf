"""SCALE-Sim's ``.cfg`` files as architectures.

An array of INT8 elements with a buffer for each operand, counted as SCALE-Sim counts where its bandwidth is
calculated (``InterfaceBandwidth: CALC``), and exactly, with the stated bandwidth of DRAM, where it is given
(``USER``). What a ``.cfg`` does not say is assumed: 7 nm, 1 GHz, HBM2 for the energy of DRAM, 32-bit sums.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwsim.base.document import Document
from hwsim.base.errors import InputError, did_you_mean

_CALCULATED = 10
"""Words per cycle of each input's first fetch in CALC mode; results leave at the array's columns per cycle."""
_LAYOUT = (
    "IfmapCustomLayout", "IfmapSRAMBankBandwidth", "IfmapSRAMBankNum", "IfmapSRAMBankPort", "FilterCustomLayout",
    "FilterSRAMBankBandwidth", "FilterSRAMBankNum", "FilterSRAMBankPort",
)  # fmt: skip
_SIZES = {"ifmap": "IfmapSramSzkB", "filter": "FilterSramSzkB", "ofmap": "OfmapSramSzkB"}
_KEYS = {
    "general": ("run_name",),
    "architecture_presets": (
        "ArrayHeight", "ArrayWidth", *_SIZES.values(), "IfmapSramSz", "FilterSramSz", "OfmapSramSz", "IfmapOffset",
        "FilterOffset", "OfmapOffset", "Bandwidth", "Dataflow", "MemoryBanks", "ReadRequestBuffer",
        "WriteRequestBuffer", "OnChipMemoryBanks", "OnChipMemoryBankPorts", *_LAYOUT,
    ),
    "layout": _LAYOUT,
    "sparsity": ("SparsitySupport", "SparseRep", "OptimizedMapping", "BlockSize", "RandomNumberGeneratorSeed"),
    "run_presets": (
        "InterfaceBandwidth", "UseRamulatorTrace", "TimeLinearModel", "SRAM_row_size", "SRAM_bank_size",
        "DRAM_row_size", "DRAM_bank_size",
    ),
    "network_presets": ("TopologyCsvLoc",),
}  # fmt: skip
"""Section to the keys that SCALE-Sim reads or has read; those of older versions included. Cycles do not depend on
``TimeLinearModel``, which turns them into microseconds of a TPU, nor on the sizes of rows and banks."""
_OFF = {
    ("layout", "ifmapcustomlayout"): "layouts of the SRAM banks",
    ("layout", "filtercustomlayout"): "layouts of the SRAM banks",
    ("architecture_presets", "ifmapcustomlayout"): "layouts of the SRAM banks",
    ("architecture_presets", "filtercustomlayout"): "layouts of the SRAM banks",
    ("sparsity", "sparsitysupport"): "sparse layers",
    ("run_presets", "useramulatortrace"): "latencies from Ramulator",
}
"""Switches that have to be off, and what is not reproduced."""
OFFSETS = (0, 10_000_000, 20_000_000)
"""Where the addresses of ifmap, filter and ofmap begin, unless a file says otherwise."""


@dataclass
class ScaleSimConfig:
    """A ``.cfg`` file by section and key, each value with its line."""

    path: Path
    sections: dict[str, int] = field(default_factory=dict)
    """Section to the line it begins on."""
    values: dict[tuple[str, str], tuple[str, int]] = field(default_factory=dict)
    """(section, key in lower case) to its text and line."""

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> ScaleSimConfig:
        """The checked file; raises `InputError` with the line of an unknown section or key."""
        config = cls(Path(path))
        try:
            text = config.path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{path}: {getattr(error, 'strerror', None) or 'no UTF-8 text'}") from None
        section = ""
        for number, raw in enumerate(text.splitlines(), 1):
            line = raw.strip()
            if not line or line[0] in "#;":
                continue
            if line.startswith("[") and line.endswith("]"):
                section = config._begin(line[1:-1].strip(), number)
            else:
                config._add(section, line, number)
        return config

    def _begin(self, section: str, line: int) -> str:
        if section not in _KEYS:
            raise InputError(f"{self.path}:{line}: unknown section [{section}]{did_you_mean(section, _KEYS)}")
        self.sections[section] = line
        return section

    def _add(self, section: str, text: str, line: int) -> None:
        cut = min((text.index(sign) for sign in ":=" if sign in text), default=0)
        if not cut or not section:
            raise InputError(f"{self.path}:{line}: expected 'key: value' in a section, got '{text[:40]}'")
        key, value = text[:cut].strip(), text[cut + 1 :].strip()
        if key.lower() not in [known.lower() for known in _KEYS[section]]:
            raise InputError(f"{self.path}:{line}: [{section}]: unknown key '{key}'{did_you_mean(key, _KEYS[section])}")
        if (section, key.lower()) in self.values:
            raise InputError(f"{self.path}:{line}: [{section}]: '{key}' is written a second time")
        self.values[section, key.lower()] = value, line

    def text(self, section: str, *keys: str) -> tuple[str, str]:
        """The value of the first of ``keys`` that is written, and where; raises `InputError` if none is."""
        for key in keys:
            if (section, key.lower()) in self.values:
                value, line = self.values[section, key.lower()]
                return value, f"{self.path}:{line}: [{section}]: {key}"
        line = self.sections.get(section, 1)
        raise InputError(f"{self.path}:{line}: [{section}]: missing key '{keys[0]}'")

    def number(self, section: str, *keys: str, least: int = 1) -> int:
        """A whole number of at least ``least``."""
        value, place = self.text(section, *keys)
        if not value.isascii() or not value.isdigit() or int(value) < least:
            raise InputError(f"{place}: expected a whole number of at least {least}, got '{value}'")
        return int(value)

    @property
    def run_name(self) -> str:
        name, place = self.text("general", "run_name")
        if not name.strip("\"'"):
            raise InputError(f"{place}: expected a name")
        return name.strip("\"'")

    @property
    def offsets(self) -> tuple[int, int, int]:
        """Where addresses begin, of ifmap, filter and ofmap."""
        names = ("IfmapOffset", "FilterOffset", "OfmapOffset")
        written = [("architecture_presets", name.lower()) in self.values for name in names]
        first, second, third = (
            self.number("architecture_presets", name, least=0) if there else default
            for name, there, default in zip(names, written, OFFSETS, strict=True)
        )
        return first, second, third

    @property
    def calculates_bandwidth(self) -> bool:
        """CALC: DRAM is as fast as the array needs. USER: as fast as ``Bandwidth`` says. Version 1 knows only CALC."""
        if "run_presets" not in self.sections:
            return True
        mode, place = self.text("run_presets", "InterfaceBandwidth")
        if mode not in ("CALC", "USER"):
            raise InputError(f"{place}: expected CALC or USER, got '{mode}'")
        return mode == "CALC"

    def architecture(self) -> dict[str, Any]:
        """What the file would say in hwsim's own words."""
        for (section, key), feature in _OFF.items():
            value, line = self.values.get((section, key), ("false", 0))
            if value.lower() not in ("false", "no", "0", "off"):
                raise InputError(f"{self.path}:{line}: [{section}]: {feature} are not reproduced; write False")
        rows, cols = (self.number("architecture_presets", key) for key in ("ArrayHeight", "ArrayWidth"))
        dataflow, place = self.text("architecture_presets", "Dataflow")
        if dataflow not in ("os", "ws", "is"):
            raise InputError(f"{place}: expected os, ws or is, got '{dataflow}'")
        operands = {"ifmap": "input", "filter": "weight", "ofmap": "output"}
        _ = self.offsets
        memories: dict[str, Any] = {"dram": {"kind": "dram", "standard": "HBM2", "bandwidth": self._bandwidth(cols)}}
        for name, operand in operands.items():
            kibibytes = self.number("architecture_presets", _SIZES[name], _SIZES[name].removesuffix("kB"))
            lanes = 4 * cols if operand == "output" else max(rows, cols)
            memories[name] = {
                "kind": "sram", "capacity": f"{kibibytes} KiB", "width": f"{min(lanes, 1024 * kibibytes)} B",
                "ports": 2, "holds": [operand], "double_buffered": True,
            }  # fmt: skip
        scaled = {"format": "int8", "scale": "absmax"}
        return {
            "name": self.run_name,
            "description": f"SCALE-Sim configuration {self.path.name}; node, clock, formats and DRAM standard assumed.",
            "technology": {"node": "7nm", "clock": "1 GHz"},
            "memories": memories,
            "compute": {
                "kind": "systolic", "rows": rows, "cols": cols, "dataflow": dataflow,
                "timing": "scalesim_v3" if self.calculates_bandwidth else "exact",
                "pe": {"operands": {"a": "int8", "b": "int8"}, "accumulator": "int32"},
            },
            "quantization": {
                "weights": {**scaled, "granularity": "channel"},
                "activations": {**scaled, "granularity": "tensor"},
            },
        }  # fmt: skip

    def _bandwidth(self, cols: int) -> str:
        """Bytes per second at 1 GHz: a word is a byte. CALC: what its three memories may ask for in a cycle."""
        if self.calculates_bandwidth:
            return f"{2 * _CALCULATED + cols} GB/s"
        text, place = self.text("architecture_presets", "Bandwidth")
        parts = [part.strip() for part in text.split(",")]
        if not all(part.isascii() and part.isdigit() and int(part) for part in parts):
            raise InputError(f"{place}: expected words per cycle, got '{text}'")
        return f"{int(parts[0])} GB/s"


def read_config(path: str | os.PathLike[str]) -> Document:
    """A ``.cfg`` file as the document of an architecture."""
    return Document(os.fspath(path), ScaleSimConfig.read(path).architecture())
