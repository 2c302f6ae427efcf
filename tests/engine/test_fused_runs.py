"""Whole runs with fused chains and with fixed mappings."""

import pytest

from hwsim.arch import Architecture
from hwsim.base.errors import InputError
from hwsim.engine import simulate
from hwsim.engine.mapped import map_products, placed_costs
from hwsim.mapping.fixed import Mappings
from hwsim.report.mappings import mappings_yaml
from hwsim.workload import Workload

ARRAY = "systolic_int8_ws_32x32"


def run(architecture, workload, **options):
    return simulate(architecture, workload, numerics=False, **options)


def outermost(row):
    return sum(next(iter(row["traffic_bytes"].values())).values())


@pytest.mark.parametrize("objective", ["cycles", "energy", "edp", "traffic"])
def test_auto_never_loses(objective):
    work, arch = Workload.load("digits_vit"), Architecture.load(ARRAY).override({"mapping.objective": objective})
    apart, together = run(arch, work), run(arch.override({"mapping.fuse": "auto"}), work)
    cycles = [one.totals["cycles"] for one in (apart, together)]
    memory = [
        sum(row["energy_j"][name] for row in one.operators for name in one.roofline["bandwidth_bytes_per_s"])
        for one in (apart, together)
    ]
    moved = [sum(map(outermost, one.operators)) for one in (apart, together)]
    measure = {"cycles": cycles, "energy": memory, "traffic": moved}.get(objective, memory)
    assert measure[1] < measure[0]
    assert moved[1] < moved[0]
    assert [row["macs"] for row in together.operators] == [row["macs"] for row in apart.operators]
    assert together.totals["cycles"] == sum(row["cycles"] for row in together.operators)
    parts = [sum(row["energy_j"].get(name, 0.0) for row in together.operators) for name in together.energy_j]
    assert parts == pytest.approx(list(together.energy_j.values()), rel=1e-12)
    assert sum(together.energy_j.values()) == together.totals["energy_j"]


def test_a_named_chain_is_fused_whatever_it_gains(tmp_path):
    file = tmp_path / "vit.yaml"
    file.write_text(Workload.load("digits_vit").text() + "fuse: [[layer0.attention], [layer1.up, layer1.down]]\n")
    for name in ("digits_vit.safetensors", "digits_test.npz", "digits_calibration.npz"):
        (tmp_path / name).symlink_to(Workload.load("digits_vit")._path.parent / name)
    rows = {row["name"]: row for row in run(Architecture.load(ARRAY), Workload.load(file)).operators}
    tokens = 360 * 4 * 16 * 12  # queries, keys, values or results, a byte each
    assert rows["layer0.attention.scores"]["traffic_bytes"]["dram"] == {"read": 2 * tokens, "write": 0}
    assert rows["layer0.attention.softmax"]["traffic_bytes"]["dram"] == {"read": 0, "write": 0}
    assert rows["layer0.attention.context"]["traffic_bytes"]["dram"] == {"read": tokens, "write": tokens}
    assert rows["layer1.up"]["traffic_bytes"]["dram"]["write"] == 0
    assert rows["layer1.attention.scores"]["traffic_bytes"]["dram"]["write"] > 0
    assert "rows of layer1.up" in rows["layer1.up"]["fused"]
    assert rows["layer1.attention.scores"]["fused"] is None


@pytest.mark.parametrize("architecture", [ARRAY, "tensorcore_fp8", "tpu_v4i_like"])
def test_saved_mappings_run_the_same(architecture, tmp_path):
    arch, work = Architecture.load(architecture), Workload.load("digits_cnn")
    file = tmp_path / "mappings.yaml"
    file.write_text(mappings_yaml(map_products(arch, work), architecture, "digits_cnn"), encoding="utf-8")
    free, fixed = run(arch, work), run(arch, work, mappings=Mappings.load(file))
    assert fixed.operators == free.operators


def test_fixed_products_are_not_fused():
    work, arch = Workload.load("digits_vit"), Architecture.load(ARRAY).override({"mapping.fuse": "auto"})
    costs, steps = placed_costs(arch, work, Mappings(mappings={"layer0.up": {"stages": [{"m": 64}]}}))
    up, down = (next(one for one in steps if one[1].name == name) for name in ("layer0.up", "layer1.up"))
    assert not costs.placed(*up).fused
    assert costs.placed(*up).tile[0] == 64
    assert costs.placed(*down).fused


def test_what_is_asked_for_must_be_there():
    arch, work = Architecture.load(ARRAY), Workload.load("digits_cnn")
    with pytest.raises(InputError, match=r"digits-cnn has no product 'conv'; did you mean 'conv[12]'"):
        map_products(arch, work, layers=["conv"])
    with pytest.raises(InputError, match="the workload has no product 'conv'"):
        run(arch, work, mappings=Mappings(mappings={"conv": {}}))
