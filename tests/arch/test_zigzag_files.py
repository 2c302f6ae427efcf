"""ZigZag's accelerator and mapping files as architectures, its lists of layers as workloads."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from hwsim.arch import Architecture
from hwsim.base.errors import InputError
from hwsim.cli import cli
from hwsim.workload import MatmulStep, Workload

PARAMETERS = Path(__file__).parents[1] / "data" / "zigzag" / "tpu_like_params.csv"
MAPPING = [
    {
        "name": "default",
        "spatial_mapping": {"D1": ["K, 32"], "D2": ["C, 32"]},
        "memory_operand_links": {"O": "O", "W": "I2", "I": "I1"},
    }
]
LAYERS = [
    {
        "id": 0, "operator_type": "Conv", "equation": "O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]",
        "dimension_relations": ["ix=2*ox+1*fx", "iy=2*oy+1*fy"],
        "loop_dims": ["B", "K", "C", "OY", "OX", "FY", "FX"], "loop_sizes": [1, 8, 3, 10, 12, 3, 5],
    },
    {
        "id": 1, "operator_type": "Pooling", "equation": "O[b][g][oy][ox]+=W[fx][fy]*I[b][g][iy][ix]",
        "loop_dims": ["B", "G", "OY", "OX", "FX", "FY"], "loop_sizes": [1, 8, 5, 6, 2, 2],
    },
    {
        "id": 2, "operator_type": "Add", "equation": "O[b][g][oy][ox]=W[b][g][oy][ox]+I[b][g][oy][ox]",
        "loop_dims": ["B", "G", "OY", "OX"], "loop_sizes": [1, 8, 5, 6],
    },
    {
        "id": "last", "operator_type": "Conv", "equation": "O[b][k][oy][ox]+=W[k][c][fy][fx]*I[b][c][iy][ix]",
        "loop_dims": ["B", "K", "C", "OY", "OX", "FY", "FX"], "loop_sizes": [2, 10, 240, 1, 1, 1, 1],
    },
]  # fmt: skip


def accelerator(listed_ports: bool) -> dict[str, Any]:
    """tpu_like in either of ZigZag's spellings, from its parameters."""
    memories: dict[str, Any] = {}
    with PARAMETERS.open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    for row in rows:
        name, wide = row["memory"], int(row["bw_max_bits"])
        everywhere = row["serves"] == "array"
        memory = memories.setdefault(
            name,
            {
                "size": int(row["size_bits"]), "r_cost": float(row["read_pJ"]), "w_cost": float(row["write_pJ"]),
                "operands": row["operands"].split(), "ports": [],
                "served_dimensions": ["D1", "D2"] if everywhere else [],
            },
        )  # fmt: skip
        if name == "dram":
            memory["operands"] = ["I1", "I2", "O"]
        if listed_ports:
            memory["ports"].append({"name": row["port"], "type": row["port_type"], "bandwidth_max": wide})
        else:
            memory |= {"r_bw": wide, "w_bw": wide}
            memory["ports"].append({"fh": "rw_port_1", "tl": "rw_port_1"} if name == "dram" else {"tl": row["port"]})
    if listed_ports:
        array = {"unit_energy": 0.04, "dimensions": ["D1", "D2"], "sizes": [32, 32], "input_precision": [8, 8]}
        return {"name": "tpu_like", "memories": memories, "operational_array": array}
    array = {"multiplier_energy": 0.04, "dimensions": ["D1", "D2"], "sizes": [32, 32], "input_precision": [8, 8]}
    return {"name": "tpu_like", "memories": memories, "multipliers": array}


def written(folder: Path, name: str, data: Any) -> Path:
    path = folder / name
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return path


@pytest.mark.parametrize("listed_ports", [False, True])
def test_the_accelerator_is_the_shipped_one(tmp_path, listed_ports):
    path = written(tmp_path, "tpu.yaml", accelerator(listed_ports))
    mapping = written(tmp_path, "mapping.yaml", MAPPING)
    answer = CliRunner().invoke(cli, ["convert", str(path), str(mapping), "-o", str(tmp_path / "chip.yaml")])
    assert answer.exit_code == 0, answer.output
    read, shipped = Architecture.load(tmp_path / "chip.yaml"), Architecture.load("zigzag_tpu_like")
    assert read.compute == shipped.compute.model_copy(update={"pe": read.compute.pe})
    assert read.compute.pe.operands == shipped.compute.pe.operands
    for ours, (name, memory) in zip(shipped.memories.values(), read.memories.items(), strict=True):
        assert (memory.holds, memory.per, memory.in_place) == (ours.holds, ours.per, ours.in_place)
        if memory.on_chip:
            assert memory.capacity == ours.capacity
        assert memory.read_bits_per_cycle(1e9) == ours.read_bits_per_cycle(1e9)
        cost = read.prices.memories[name]
        assert cost.read_j_per_byte == ours.cost(read.technology.prices).read_j_per_byte
        assert cost.write_j_per_byte == ours.cost(read.technology.prices).write_j_per_byte
    assert read.prices.units["compute"].energy_j["mac"] == pytest.approx(0.04e-12)
    assert read.mapping == shipped.mapping


def test_without_a_mapping_every_loop_may_be_spread(tmp_path):
    chip = Architecture.load(written(tmp_path, "tpu.yaml", accelerator(True)))
    assert [axis.unroll for axis in chip.compute.array] == [("B", "K", "C", "OY", "OX", "FY", "FX")] * 2


def test_layers(tmp_path):
    work = Workload.load(written(tmp_path, "net.yaml", LAYERS))
    steps = work.steps()
    assert [step.name for step in steps] == ["Conv_0", "Add_2", "Conv_last"]
    convolution, _, last = steps
    assert isinstance(convolution, MatmulStep) and isinstance(last, MatmulStep)
    assert (convolution.gemm.m, convolution.gemm.n, convolution.gemm.k) == (120, 8, 45)
    assert convolution.window is not None
    assert (convolution.window.input, convolution.window.stride) == ((21, 27), (2, 2))
    assert (last.gemm.m, last.gemm.n, last.gemm.k, last.gemm.count) == (1, 10, 240, 2)
    assert "left out, as pooling: 1" in work.description


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data["memories"]["dram"].pop("size"), "memories.dram: missing key 'size'"),
        (lambda data: data["memories"]["dram"].update(operands=["I3"]), "unknown operand 'I3'"),
        (lambda data: data["memories"]["dram"].update(r_cost="much"), "expected a number of at least 0, got 'much'"),
        (lambda data: data["multipliers"].pop("sizes"), "multipliers: missing key 'sizes'"),
        (lambda data: data.update(memories=[]), "expected memories by name"),
    ],
)
def test_what_an_accelerator_lacks_is_told_with_its_place(tmp_path, change, message):
    data = accelerator(False)
    change(data)
    with pytest.raises(InputError, match=message) as error:
        Architecture.load(written(tmp_path, "tpu.yaml", data))
    assert "tpu.yaml:" in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"loop_dims": ["B", "Q"], "loop_sizes": [1, 2]}, "unknown loop 'Q'"),
        ({"loop_sizes": [1]}, "as many loop_sizes as loop_dims"),
        ({"loop_sizes": [1, 8, 3, 10, 12, 3, 0]}, "whole numbers above 0, got 0"),
        ({"dimension_relations": ["ix=ox-fx"]}, "expected a relation such as"),
        ({"dimension_relations": ["ix=1*ox+2*fx"]}, "windows with gaps"),
    ],
)
def test_what_a_layer_lacks_is_told_with_its_place(tmp_path, change, message):
    with pytest.raises(InputError, match=message) as error:
        Workload.load(written(tmp_path, "net.yaml", [LAYERS[0] | change]))
    assert "net.yaml:1" in str(error.value) or "net.yaml:" in str(error.value)
