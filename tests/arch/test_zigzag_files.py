"""ZigZag's accelerator and mapping files as architectures, its lists of layers as workloads."""

from __future__ import annotations

import csv
import re
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
            both = name == "dram"
            ways = {"fh": "rw_port_1" if both else "w_port_1", "tl": "rw_port_1" if both else "r_port_1"}
            memory["ports"] = [dict(ways) for _ in memory["operands"]]
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


def converted(folder: Path, data: dict[str, Any], rows: list[dict[str, Any]] | None = None) -> Any:
    """The spatial array and the memories of an accelerator with a mapping."""
    path = written(folder, "chip.yaml", data)
    named = [] if rows is None else [str(written(folder, "mapping.yaml", rows))]
    answer = CliRunner().invoke(cli, ["convert", str(path), *named])
    assert answer.exit_code == 0, answer.output
    return yaml.safe_load(answer.output)


def test_ports_that_are_written_twice_are_the_last(tmp_path):
    """As in the tpu_like of ZigZag 3.9.1; any other key that comes again is refused."""
    text = yaml.safe_dump(accelerator(True), sort_keys=False)
    twice = text.replace("    ports:\n", "    ports:\n    - fh: w_port_1\n      tl: r_port_1\n    ports:\n", 1)
    (tmp_path / "tpu.yaml").write_text(twice, encoding="utf-8")
    once = Architecture.load(written(tmp_path, "once.yaml", accelerator(True)))
    assert Architecture.load(tmp_path / "tpu.yaml").memories == once.memories
    (tmp_path / "tpu.yaml").write_text(text.replace("    size:", "    size: 8\n    size:", 1), encoding="utf-8")
    with pytest.raises(InputError, match=r":5:5: memories\.\w+: duplicate key 'size'"):
        Architecture.load(tmp_path / "tpu.yaml")
    (tmp_path / "other.yaml").write_text("memories: {m: {ports: 1, ports: 2}}", encoding="utf-8")
    with pytest.raises(InputError, match="duplicate key 'ports'"):
        Architecture.load(tmp_path / "other.yaml")


def test_ports_of_their_own(tmp_path):
    """As in ZigZag's gemm_l1_l3: inputs, weights and outputs beside each other, and a port for the level above."""
    data = accelerator(True)
    uses = {"rw_port_1": ["I1, tl"], "rw_port_2": ["I2, tl"], "rw_port_3": ["O, tl", "O, fl"]}
    uses["rw_port_4"] = ["I1, fh", "I2, fh", "O, fh", "O, th"]
    data["memories"]["sram_2MB"] |= {
        "operands": ["I1", "I2", "O"],
        "force_double_buffering": True,
        "ports": [
            {"name": name, "type": "read_write", "bandwidth_max": 2048 if "O, tl" in use else 512, "allocation": use}
            for name, use in uses.items()
        ],
    }
    memory = converted(tmp_path, data)["memories"]["sram_2MB"]
    assert (memory["read_bandwidth"], memory["write_bandwidth"]) == ("512 bit/cycle", "512 bit/cycle")
    assert (memory["shared_port"], memory["port_per_operand"]) == (False, True)
    assert memory["double_buffered"] and "in_place" not in memory


def test_costs_that_zigzag_has_from_cacti_are_the_nodes(tmp_path):
    data = accelerator(True)
    data["memories"]["sram_2MB"]["auto_cost_extraction"] = True
    assert "read_energy" not in converted(tmp_path, data)["memories"]["sram_2MB"]


@pytest.mark.parametrize(
    ("entry", "loops"),
    [
        ({"spatial_mapping": {"D1": ["K, 32"]}, "spatial_mapping_hint": {"D2": ["C", "FX"]}}, [["K"], ["C", "FX"]]),
        ({"spatial_mapping": {"D1": ["D0, 8"], "D2": ["D2, 8"]}}, [["OX"], ["C"]]),
        ({"spatial_mapping_hint": {"D1": ["D"], "D2": ["OX", "OY"]}}, [["OX"], ["OX", "OY"]]),
    ],
)
def test_hints_and_loops_of_products(tmp_path, entry, loops):
    array = converted(tmp_path, accelerator(True), [{"name": "Add"}, {"name": "default", **entry}])["compute"]["array"]
    assert [axis["unroll"] for axis in array] == loops


def test_a_dataflow_of_the_accelerator(tmp_path):
    data = accelerator(True) | {"dataflows": {"D1": ["K, 32"], "D2": ["C, 32"]}}
    assert [axis["unroll"] for axis in converted(tmp_path, data)["compute"]["array"]] == [["K"], ["C"]]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        (
            {"spatial_mapping": {"D1": ["Q, 32"]}},
            r"mapping.yaml:3:5: mappings\[0\].spatial_mapping.D1: unknown loop 'Q'",
        ),
        ({"spatial_mapping": {"D5": ["K, 32"]}}, r"mapping.yaml:2:5: .*unknown dimension 'D5'"),
        ({"spatial_mapping": ["K"]}, "expected the loops of each dimension"),
        ({"memory_operand_links": {"O": "O"}}, "expected I, W and O as I1, I2 and O"),
    ],
)
def test_what_a_mapping_lacks_is_told_with_its_place(tmp_path, entry, message):
    paths = [written(tmp_path, "tpu.yaml", accelerator(True)), written(tmp_path, "mapping.yaml", [entry])]
    answer = CliRunner().invoke(cli, ["convert", *map(str, paths)])
    assert answer.exit_code == 2
    assert re.search(message, answer.output), answer.output


def test_without_a_mapping_every_loop_may_be_spread(tmp_path):
    chip = Architecture.load(written(tmp_path, "tpu.yaml", accelerator(True)))
    assert [axis.unroll for axis in chip.compute.array] == [("G", "B", "K", "C", "OY", "OX", "FY", "FX")] * 2


def test_layers(tmp_path):
    work = Workload.load(written(tmp_path, "net.yaml", LAYERS))
    steps = work.steps()
    assert [step.name for step in steps] == ["Conv_0", "Add_2", "Conv_last"]
    convolution, _, last = steps
    assert isinstance(convolution, MatmulStep) and isinstance(last, MatmulStep)
    assert (convolution.gemm.m, convolution.gemm.n, convolution.gemm.k) == (120, 8, 45)
    assert convolution.window is not None
    assert (convolution.window.input, convolution.window.stride) == ((21, 27), (2, 2))
    assert (last.gemm.m, last.gemm.n, last.gemm.k, last.gemm.count) == (2, 10, 240, 1)
    assert "left out, as pooling: 1" in work.description


def test_check_tells_what_a_file_is(tmp_path):
    found = {
        name: CliRunner().invoke(cli, ["check", str(written(tmp_path, f"{name}.yaml", data))]).output
        for name, data in {"chip": accelerator(True), "net": LAYERS, "map": MAPPING, "list": [1, 2]}.items()
    }
    assert found["chip"].endswith("architecture 'tpu-like' is fine\n")
    assert found["net"].endswith("workload 'net' is fine\n")
    assert "mappings are read with their accelerator: hwsim convert" in found["map"]
    assert "expected keys and values at the top, got a list" in found["list"]


@pytest.mark.parametrize(
    ("equation", "loops", "extents"),
    [  # (m, n, k, count)
        ("O[b][k]+=I[b][c]*W[c][k]", {"B": 5, "C": 7, "K": 3}, (5, 3, 7, 1)),  # ZigZag's gemm_layer.yaml
        ("O[d0][d1]+=I[d0][d2]*W[d2][d1]", {"D0": 5, "D1": 3, "D2": 7}, (5, 3, 7, 1)),
        ("O[d0][d2] += I[d0][d1] * W[d1][d2]", {"D0": 5, "D1": 7, "D2": 3}, (5, 3, 7, 1)),
        ("O[b][h][d][k]+=I[b][h][d][c]*W[b][h][c][k]", {"B": 2, "H": 4, "D": 5, "K": 3, "C": 7}, (5, 3, 7, 8)),
        ("O[b][d][k]+=I[b][d][c]*W[c][k]", {"B": 2, "D": 5, "K": 3, "C": 7}, (10, 3, 7, 1)),
    ],
)
def test_products_are_told_by_their_equation(tmp_path, equation, loops, extents):
    row = {"id": 0, "operator_type": "Gemm", "equation": equation, "dimension_relations": []}
    row |= {"loop_dims": list(loops), "loop_sizes": list(loops.values())}
    (step,) = Workload.load(written(tmp_path, "net.yaml", [row])).steps()
    assert isinstance(step, MatmulStep) and step.window is None
    assert (step.gemm.m, step.gemm.n, step.gemm.k, step.gemm.count) == extents


def test_groups_and_time_steps_of_convolutions(tmp_path):
    """ZigZag's own ONNX convolution, with groups; and the loop T of its restest.yaml."""
    grouped = "O[b][g][k][oy][ox]+=W[g][k][c][fy][fx]*I[b][g][c][iy][ix]"
    rows = [LAYERS[0] | {"equation": grouped}, LAYERS[0] | {"id": 1}]
    rows[0] |= {"loop_dims": ["G", *LAYERS[0]["loop_dims"]], "loop_sizes": [4, *LAYERS[0]["loop_sizes"]]}
    rows[1] |= {"equation": LAYERS[0]["equation"].replace("[b]", "[t][b]")}
    rows[1] |= {"loop_dims": ["T", *LAYERS[0]["loop_dims"]], "loop_sizes": [3, *LAYERS[0]["loop_sizes"]]}
    for row in rows:
        row["dimension_relations"] = list(row["dimension_relations"])
    steps = Workload.load(written(tmp_path, "net.yaml", rows)).steps()
    assert [(step.gemm.m, step.gemm.n, step.gemm.k, step.gemm.count) for step in steps] == [
        (120, 8, 45, 4), (120, 8, 45, 3),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data["memories"]["dram"].pop("size"), "memories.dram: missing key 'size'"),
        (lambda data: data["memories"]["dram"].update(operands=["I3"]), "unknown operand 'I3'"),
        (lambda data: data["memories"]["dram"].update(r_cost="much"), "expected a number of at least 0, got 'much'"),
        (lambda data: data["multipliers"].pop("sizes"), "multipliers: missing key 'sizes'"),
        (lambda data: data.update(memories=[]), "expected memories by name"),
        (lambda data: data["multipliers"].update(is_imc=True), "is_imc: in-memory-computing arrays are not read"),
        (lambda data: data["multipliers"].update(sizes=[32]), "expected as many sizes as dimensions"),
        (lambda data: data["multipliers"].update(sizes=[32, "x"]), r"sizes\[1\]: expected a whole number above 0"),
        (lambda data: data["memories"]["dram"].update(ports=None), "dram.ports: expected a list of ports"),
        (lambda data: data["memories"]["dram"].update(r_bw="wide"), "r_bw: expected bits in a cycle, got 'wide'"),
        (lambda data: data["memories"]["dram"].update(ports=[{"tl": "r_port_1"}]), "expected a port that writes"),
        (
            lambda data: data["memories"]["dram"].update(ports=[{"type": "read", "bandwidth_max": 8, "allocation": 1}]),
            "expected an allocation such as 'I1, tl', got '1'",
        ),
        (lambda data: data["multipliers"].update(input_precision=[8, "x"]), "expected two numbers of bits"),
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
        ({"equation": "O[k]+=W[k]"}, r"equation: expected an equation such as O\[b\]\[k\]"),
        ({"equation": LAYERS[0]["equation"].replace("O[b][k]", "O[b]")}, "loop 'K' stands in one operand only"),
        ({"dimension_relations": 1.5}, "expected a relation such as"),
        ({"dimension_relations": ["ix=ox-fx"]}, "expected a relation such as"),
        ({"dimension_relations": ["ix=1*ox+2*fx"]}, "windows with gaps"),
    ],
)
def test_what_a_layer_lacks_is_told_with_its_place(tmp_path, change, message):
    with pytest.raises(InputError, match=message) as error:
        Workload.load(written(tmp_path, "net.yaml", [LAYERS[0] | change]))
    assert "net.yaml:1" in str(error.value) or "net.yaml:" in str(error.value)
