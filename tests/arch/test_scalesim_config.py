"""SCALE-Sim's ``.cfg`` files as architectures."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from hwsim.arch import Architecture
from hwsim.arch.scalesim_config import OFFSETS, ScaleSimConfig
from hwsim.base.errors import InputError
from hwsim.cli import cli

TINY = Path(__file__).parents[1] / "data" / "scalesim" / "tiny.cfg"
OLD = """[general]
run_name = "old one"
# comments and blank lines

[architecture_presets]
ArrayHeight = 12
ArrayWidth = 14
IfmapSramSz = 108
FilterSramSz = 96
OfmapSramSz = 64
MemoryBanks: 2
Bandwidth: 20,20,20
Dataflow: os
[run_presets]
InterfaceBandwidth: USER
"""


def config(tmp_path: Path, text: str) -> Architecture:
    path = tmp_path / "scale.cfg"
    path.write_text(text)
    return Architecture.load(path)


def test_a_configuration_of_version_three() -> None:
    array = Architecture.load(TINY)
    assert (array.name, array.compute.rows, array.compute.cols) == ("tiny", 3, 4)
    assert (array.compute.dataflow, array.compute.counted_as) == ("weight_stationary", "scalesim_v3")
    assert {name: (memory.capacity, memory.holds) for name, memory in array.memories.items() if memory.on_chip} == {
        "ifmap": (1024, ("input",)), "filter": (1024, ("weight",)), "ofmap": (1024, ("output",)),
    }  # fmt: skip
    assert ScaleSimConfig.read(TINY).offsets == OFFSETS


def test_an_older_one_with_its_own_bandwidth(tmp_path: Path) -> None:
    array = config(tmp_path, OLD)
    assert (array.name, array.compute.counted_as) == ("old one", "exact")
    assert array.memories["ifmap"].capacity == 108 << 10
    assert array.memories["dram"].bytes_per_cycle(array.clock_hz) == 20
    assert ScaleSimConfig.read(tmp_path / "scale.cfg").offsets == OFFSETS


def test_one_of_version_one_calculates_its_bandwidth(tmp_path: Path) -> None:
    array = config(tmp_path, OLD.partition("[run_presets]")[0])
    assert array.compute.counted_as == "scalesim_v3"


def test_keys_of_versions_between(tmp_path: Path) -> None:
    """Those of SCALE-Sim v2's google.cfg and scale_layout.cfg, and of v3's tpuv4.cfg."""
    rows = "SRAM_row_size: 2\nSRAM_bank_size: 5\nDRAM_row_size: 2\nDRAM_bank_size: 5\nTimeLinearModel: TPUv4\n"
    banks = "OnChipMemoryBanks: 1\nOnChipMemoryBankPorts: 2\nIfmapCustomLayout: False\nIfmapSRAMBankNum: 10\n"
    with_all = OLD.replace("[run_presets]", f"{banks}[run_presets]") + rows
    assert config(tmp_path, with_all).compute == config(tmp_path, OLD).compute
    with pytest.raises(InputError, match=r":16: \[architecture_presets\]: layouts of the SRAM banks"):
        config(tmp_path, with_all.replace("CustomLayout: False", "CustomLayout: True"))


def test_it_is_an_architecture_everywhere(tmp_path: Path) -> None:
    for arguments in (["check", str(TINY)], ["run", str(TINY), "edge_gemm"], ["compare", str(TINY), "-w", "edge_gemm"]):
        result = CliRunner().invoke(cli, arguments)
        assert result.exit_code == 0, result.stderr
    written = tmp_path / "again.yaml"
    written.write_text(Architecture.load(TINY).text())
    assert Architecture.load(written) == Architecture.load(TINY)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[general]", "[genral]", ":1: unknown section [genral]; did you mean 'general'?"),
        ("ArrayWidth", "ArrayWitdh", ":7: [architecture_presets]: unknown key 'ArrayWitdh'; did you mean 'Array"),
        ("ArrayWidth = 14\n", "", ":5: [architecture_presets]: missing key 'ArrayWidth'"),
        ("IfmapSramSz = 108\n", "", ":5: [architecture_presets]: missing key 'IfmapSramSzkB'"),
        ("InterfaceBandwidth: USER\n", "", ":14: [run_presets]: missing key 'InterfaceBandwidth'"),
        ('run_name = "old one"', "run_name =", ":2: [general]: run_name: expected a name"),
        ("= 12", "= 0", ":6: [architecture_presets]: ArrayHeight: expected a whole number of at least 1, got '0'"),
        ("= 12", "= 1.5", ":6: [architecture_presets]: ArrayHeight: expected a whole number of at least 1, got '1.5'"),
        ("= 12", "12", ":6: expected 'key: value' in a section, got 'ArrayHeight 12'"),
        ("[general]\n", "", ":1: expected 'key: value' in a section, got 'run_name = \"old one\"'"),
        ("Dataflow: os", "Dataflow: rs", ":13: [architecture_presets]: Dataflow: expected os, ws or is, got 'rs'"),
        ("20,20,20", "fast", ":12: [architecture_presets]: Bandwidth: expected words per cycle, got 'fast'"),
        ("USER", "user", ":15: [run_presets]: InterfaceBandwidth: expected CALC or USER, got 'user'"),
        ("USER\n", "USER\nUseRamulatorTrace: True\n", ":16: [run_presets]: latencies from Ramulator are not"),
        ("USER\n", "USER\n[sparsity]\nSparsitySupport: true\n", ":17: [sparsity]: sparse layers are not reproduced"),
        ("= 14", "= 14\narraywidth: 3", ":8: [architecture_presets]: 'arraywidth' is written a second time"),
        ("OfmapSramSz = 64", "OfmapSramSz = 64\nIfmapOffset: x", ":11: [architecture_presets]: IfmapOffset: expected"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in OLD
    with pytest.raises(InputError) as caught:
        config(tmp_path, OLD.replace(old, new, 1))
    assert str(caught.value).startswith(f"{tmp_path}/scale.cfg{message}")
    assert "\n" not in str(caught.value)


def test_a_missing_configuration(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.cfg: No such file"):
        Architecture.load(tmp_path / "none.cfg")
