"""Matrix units by name give the bits of GPUs' recordings and of MMA-Sim, row by row and as whole tiles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwsim.arch.matrix_units import instructions, mma, names
from hwsim.base.errors import InputError
from hwsim.formats import get
from hwsim.golden import datapath as golden
from hwsim.units.matrix_unit import MatrixUnit, pack_fp4, unpack_fp4

DATA = Path(__file__).parents[1] / "data" / "mma"
MODELLED = sorted(path.stem for path in DATA.glob("*.npz") if not path.stem.startswith("hw_"))
CHIPS = {
    "Volta": "volta",
    "Turing": "turing",
    "Ampere": "ampere",
    "Ada Lovelace": "ada",
    "Hopper": "hopper",
    "Blackwell": "blackwell",
    "RTX Blackwell": "rtx_blackwell",
    "CDNA1": "cdna1",
    "CDNA2": "cdna2",
    "CDNA3": "cdna3",
}


def loaded(name: str) -> tuple[Any, dict[str, Any]]:
    data = np.load(DATA / f"{name}.npz", allow_pickle=False)
    return data, json.loads(str(data["meta"]))


def unit_of(meta: dict[str, Any]) -> MatrixUnit:
    """The unit under the name that the recording itself uses; block-scaled forms have names of their own there."""
    return mma(f"{CHIPS[meta['arch']]}.{meta['unit'].removesuffix('bs')}", meta["instruction"])


def optional(data: Any, name: str, *index: Any) -> Any:
    return data[name][index] if name in data else None


def assert_same(unit: MatrixUnit, d: np.ndarray, expected: np.ndarray, suspect: Any, exact_nan: bool) -> None:
    """Bit for bit where the reference is sure; NaN by class where its payload is not specified."""
    known = np.ones(d.shape, bool) if suspect is None else ~suspect.astype(bool)
    if not exact_nan:
        nan = np.isnan(unit.datapath.result_format.decode(expected))
        assert np.array_equal(np.isnan(unit.datapath.result_format.decode(d))[known], nan[known])
        known &= ~nan
    assert np.array_equal(d[known], expected[known])


@pytest.mark.parametrize("name", MODELLED)
def test_rows_and_tiles_of_the_software_model(name: str) -> None:
    data, meta = loaded(name)
    unit = unit_of(meta)
    rows = unit.dot_bits(data["a"], data["b"], data["c"], optional(data, "scale_a"), optional(data, "scale_b"))
    assert_same(unit, rows, data["d"], optional(data, "suspect"), meta["nan_payload_exact"])
    for tile in range(meta["tiles"]):
        operands = (data["tile_a"][tile], data["tile_b"][tile], data["tile_c"][tile])
        scales = (optional(data, "tile_scale_a", tile), optional(data, "tile_scale_b", tile))
        d = unit.matmul_bits(*operands, *scales)
        assert_same(unit, d, data["tile_d"][tile], optional(data, "tile_suspect", tile), meta["nan_payload_exact"])


@pytest.mark.parametrize("name", MODELLED)
def test_the_golden_model_gives_the_same_rows(name: str) -> None:
    data, meta = loaded(name)
    unit = unit_of(meta)
    operands = unit.datapath.operands
    bits = {"a": operands.a, "b": operands.b, "c": unit.datapath.c_format, "scale_a": operands.scale}
    bits["scale_b"] = operands.scale
    for row in range(0, meta["rows"], 9):
        if "suspect" in data and data["suspect"][row]:
            continue
        codes = {key: unit._codes(data[key][row], f) for key, f in bits.items() if f is not None}
        scales = [codes[key].tolist() if key in codes else None for key in ("scale_a", "scale_b")]
        d = golden.dot(
            unit.datapath, codes["a"].tolist(), codes["b"].tolist(), int(codes["c"]), golden.Events(), *scales
        )
        result = np.array([d]).astype(data["d"].dtype)
        assert_same(unit, result, data["d"][row : row + 1], None, meta["nan_payload_exact"])


def recorded_units() -> list[tuple[str, str, str, str]]:
    """(file, unit, operand, result) of every recording of one block."""
    chips = {"v100": "volta.mma", "a100": "ampere.mma", "ada": "ada.mma", "h100": "hopper.mma", "b200": "blackwell.mma"}
    found = []
    for path in sorted(DATA.glob("hw_*.npz")):
        gpu, operand = path.stem.split("_")[1:3]
        if gpu not in chips:
            continue
        data = np.load(path, allow_pickle=False)
        for result in ("fp32", "fp16"):
            if f"d_{result}" in data:
                # H100's FP8 -> FP32 was recorded with wgmma and c = 0, the rest with mma.sync.
                wgmma = (gpu, result) == ("h100", "fp32") and operand in ("e4m3", "e5m2")
                found.append((path.stem, "hopper.wgmma" if wgmma else chips[gpu], operand, result))
    return found


def test_every_recording_is_used() -> None:
    assert len(recorded_units()) == 19 + 11  # 19 files, 11 of them with fp16 results too
    assert len(list(DATA.glob("hw_*.npz"))) == 23


@pytest.mark.parametrize(("name", "unit", "operand", "result"), recorded_units())
def test_rows_recorded_on_gpus(name: str, unit: str, operand: str, result: str) -> None:
    data = np.load(DATA / f"{name}.npz", allow_pickle=False)
    operand = {"e4m3": "e4m3fn"}.get(operand, operand)
    shape = "m16n8k4" if operand == "tf32" and unit != "ampere.mma" else None  # four products were recorded
    shape = "m16n8k4" if operand == "tf32" else shape
    made = mma(unit, a=operand, d=result, shape=shape)
    c = data["c_fp16"] if result == "fp16" else data["c_used_fp32"] if "c_used_fp32" in data else data["c"]
    k = data["a"].shape[1]
    a, b = (np.pad(data[x], ((0, 0), (0, -k % made.k))) for x in ("a", "b"))
    assert_same(made, made.dot_bits(a, b, c), data[f"d_{result}"], None, False)


@pytest.mark.parametrize(
    "name", ["e4m3_e4m3_k16_tile", "e4m3_e5m2_k16_tile", "e4m3_e4m3_k32_vector", "e4m3_e4m3_k256_tile"]
)
def test_specials_and_chains_recorded_on_an_rtx_4060(name: str) -> None:
    """Zeros, subnormals, NaN, heavy cancellation and chains of 8 instructions."""
    data, meta = loaded(f"hw_rtx4060_mma_{name}")
    a, b = ({"e4m3": "e4m3fn"}.get(meta[key], meta[key]) for key in ("fmt_a", "fmt_b"))
    unit = mma("ada.mma", a=a, b=b, d="fp32", shape=f"m16n8k{min(meta['k'], 32)}")
    if meta["layout"] == "vector":
        d = unit.dot_bits(data["a"], data["b"], data["c"])
    else:  # b is stored [tile, N, K]
        d = np.stack([unit.matmul_bits(a, b.T, c) for a, b, c in zip(data["a"], data["b"], data["c"], strict=True)])
    assert np.array_equal(d, data["d"])


# Named single dot products --------------------------------------------------------------------------

EXPERIMENTS = json.loads((DATA / "experiments.json").read_text())["experiments"]


def experiment_unit(key: str) -> MatrixUnit:
    chip, *middle, d, a = key.split(".")
    kind = middle[0] if middle else "mfma" if chip.startswith("cdna") else "mma"
    operands = {"f16": "fp16", "f32": "fp32", "e4m3": "e4m3fn", "bf8": "e5m2fnuz", "xf32": "tf32", "bf16_1k": "bf16"}
    if chip == "blackwell" and kind == "mma":
        chip, kind = "blackwell", "tcgen05"
    name = operands.get(a, a)
    return mma(f"{chip}.{kind}", a=name, d=operands[d], kind="1k" if a == "bf16_1k" else None)


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda e: e["name"])
def test_experiments(experiment: dict[str, Any]) -> None:
    assert experiment["expected"]
    for key, expected in experiment["expected"].items():
        unit = experiment_unit(key)
        operands = unit.datapath.operands
        k = unit.k * -(-len(experiment["a"]) // unit.k)
        codes = []
        for name, f in (("a", operands.a), ("b", operands.b)):
            values = np.zeros(k)
            values[: len(experiment[name])] = [float.fromhex(x) for x in experiment[name]]
            raw = f.encode(values, "rz") if f.name != "tf32" else get("fp32").encode(values)
            codes.append(raw[None])
        c = unit.datapath.c_format.encode(np.array([float.fromhex(experiment["c"])]))
        found = int(unit.dot_bits(*codes, c)[0])
        wanted = int(expected["hex"], 16)
        result = unit.datapath.result_format
        both_nan = np.isnan(result.decode(np.array([found, wanted])).astype(float)).all()
        assert found == wanted or both_nan, f"{key}: {found:#010x}, expected {expected}"


# Names ----------------------------------------------------------------------------------------------


def test_all_units_of_the_table_are_there() -> None:
    assert set(names()) == {
        "volta.mma", "turing.mma", "ampere.mma", "ada.mma", "hopper.mma", "hopper.wgmma", "blackwell.mma",
        "blackwell.tcgen05", "rtx_blackwell.mma", "cdna1.mfma", "cdna2.mfma", "cdna3.mfma", "simt.fma",
    }  # fmt: skip


@pytest.mark.parametrize("name", names())
def test_every_instruction_says_where_its_bits_are_from(name: str) -> None:
    for unit in instructions(name):
        assert unit.evidence.source
        assert unit.k % getattr(unit.datapath.reduction, "lanes", 1) == 0 or unit.k < unit.datapath.reduction.lanes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "hopper.wgmm", "a": "fp16"}, "did you mean 'hopper.wgmma'"),
        ({"name": "ada.mma", "a": "e4m3"}, "did you mean 'e4m3fn'"),
        ({"name": "ada.mma", "a": "fp16", "d": "bf16"}, "has no fp16 x fp16 -> bf16; it has fp16 -> fp32"),
        ({"name": "ada.mma", "a": "fp16", "shape": "m16n8"}, "expected a shape"),
        ({"name": "ada.mma"}, "which operands"),
        ({"name": "ada.mma", "instruction": "m16n8k32.f32.e9m9"}, "'e9m9' in"),
        ({"name": "rtx_blackwell.mma", "a": "e2m1fn", "scale": "e8m0fnu"}, "give shape, kind or scale_block"),
        ({"name": "volta.mma", "a": "fp16", "d": "fp32", "sparse": True}, "has no sparse"),
        ({"name": "ampere.mma", "a": "fp16", "d": "fp32", "sparse": True, "lanes": 0}, "lanes from 1"),
        ({"name": "ampere.mma", "a": "int8", "kind": "satfinit"}, "did you mean 'satfinite'"),
        ({"name": "ampere.mma", "a": "fp16", "shape": 3}, "expected a shape"),
        ({"name": "ampere.mma", "instruction": 5}, "expected an instruction's name"),
    ],
)
def test_what_there_is_not(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        mma(arguments.pop("name"), arguments.pop("instruction", None), **arguments)
    assert message in str(error.value)


def test_the_shape_tells_the_block_scaled_sums_of_fp4_apart() -> None:
    short = mma("rtx_blackwell.mma", a="e2m1fn", d="fp32", scale="e8m0fnu", shape="m16n8k32")
    long = mma("rtx_blackwell.mma", a="e2m1fn", d="fp32", scale="e8m0fnu", scale_block=32, shape="m16n8k64")
    assert (short.kind, long.kind) == ("mxf8f6f4", "mxf4")
    assert mma("rtx_blackwell.mma", a="e2m1fn", scale="ue4m3", scale_block=16).kind == "mxf4nvf4"


def test_the_shape_alone_is_enough_for_block_scaled_fp4() -> None:
    for name, shape in (("rtx_blackwell.mma", "m16n8k64"), ("blackwell.tcgen05", "m128n8k64")):
        unit = mma(name, a="e2m1fn", d="fp32", scale="e8m0fnu", shape=shape)
        assert (unit.kind, unit.datapath.operands.scale_block) == ("mxf4", 32)
    for block in (16, 32):
        unit = mma("rtx_blackwell.mma", a="e2m1fn", kind="nvfp4", scale="e8m0fnu", scale_block=block)
        assert unit.datapath.operands.scale_block == block


@pytest.mark.parametrize(("name", "spelling", "formats"), [
    ("ampere.mma", "mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32", ("fp16", "fp16", "fp32")),
    ("hopper.wgmma", "wgmma.mma_async.sync.aligned.m64n128k32.f32.e4m3.e5m2", ("e4m3fn", "e5m2", "fp32")),
    ("ampere.mma", "mma.sync.aligned.m16n8k32.row.col.satfinite.s32.s8.u8.s32", ("int8", "uint8", "int32")),
    ("cdna3.mfma", "V_MFMA_F32_16X16X16_F16", ("fp16", "fp16", "fp32")),
    ("rtx_blackwell.mma", "mma.sync.aligned.m16n8k64.row.col.kind::mxf4nvf4.block_scale.scale_vec::4X.f32.e2m1.e2m1.f32"
     ".ue4m3", ("e2m1fn", "e2m1fn", "fp32")),
])  # fmt: skip
def test_vendors_full_names(name: str, spelling: str, formats: tuple[str, str, str]) -> None:
    unit = mma(name, spelling)
    operands = unit.datapath.operands
    assert (operands.a.name, operands.b.name, unit.datapath.result_format.name) == formats


def test_cycles_come_from_the_table() -> None:
    assert mma("ampere.mma", a="fp16", d="fp32", shape="m16n8k16").cycles == 24.7
    assert mma("ampere.mma", a="fp16", d="fp32", shape="m16n8k16").throughput == (1004.2, "FMA/clk/SM")
    assert mma("cdna3.mfma", a="fp16", shape="16x16x16").throughput == (2048.0, "FLOPs/CU/cycle")
    assert mma("hopper.wgmma", a="fp16", d="fp32", shape="m64n64k16").cycles == 32
    assert mma("volta.mma", a="fp16", d="fp32").cycles is None


def test_a_changed_unit_is_a_changed_file(tmp_path: Path) -> None:
    """What Hopper would have computed with 20 bits below the largest exponent instead of 13."""
    from hwsim.base.shipped import find

    text = find("hopper.wgmma", "matrix_units").read_text()
    assert "align_bits: 13" in text
    file = tmp_path / "wider.yaml"
    file.write_text(text.replace("align_bits: 13", "align_bits: 20").replace("e8m13", "e8m20"))
    a = get("e4m3fn").encode(np.array([[1.0, 2.0**-6] + [0.0] * 30]))
    b = get("e4m3fn").encode(np.array([[1.0, 2.0**-9] + [0.0] * 30]))
    for name, value in (("hopper.wgmma", 1.0), (file, 1.0 + 2.0**-15)):
        d = mma(name, a="e4m3fn", d="fp32").dot_bits(a, b)
        assert get("fp32").decode(d)[0] == value


# Bits in and out ------------------------------------------------------------------------------------


def test_packed_fp4_has_the_first_code_low() -> None:
    codes = np.arange(16, dtype=np.uint8).reshape(2, 8)
    assert pack_fp4(codes)[0, 0] == 0x10
    assert np.array_equal(unpack_fp4(pack_fp4(codes)), codes)
    with pytest.raises(InputError):
        pack_fp4(codes[:, :3])


def test_integer_units_wrap_or_clamp() -> None:
    a = np.full((1, 32), 127, np.uint8)
    c = np.array([0x7FFFFFFF], np.uint32)
    wraps = mma("ampere.mma", a="int8", d="int32", shape="m16n8k32").dot_bits(a, a, c)
    clamps = mma("ampere.mma", a="int8", d="int32", shape="m16n8k32", kind="satfinite").dot_bits(a, a, c)
    assert wraps.tolist() == [(0x7FFFFFFF + 32 * 127 * 127) & 0xFFFFFFFF]
    assert clamps.tolist() == [0x7FFFFFFF]
    minus = np.full((1, 32), 0x80, np.uint8)
    assert mma("ampere.mma", a="int8", d="int32").dot_bits(minus, a).view(np.int32)[0] == -128 * 127 * 32


@pytest.mark.parametrize(("operand", "keep", "of"), [("fp16", 2, 4), ("tf32", 1, 2)])
def test_sparse_operands_select_exactly(operand: str, keep: int, of: int) -> None:
    """Elements that are not selected do not matter, infinities among them."""
    unit = mma("ampere.mma", a=operand, d="fp32", sparse=True)
    dense = mma("ampere.mma", a=operand, d="fp32")
    assert unit.evidence.grade == "assumed"
    generator = np.random.default_rng(0)
    k, rows, columns = 2 * unit.k, 5, 7
    raw = get("fp32" if operand == "tf32" else operand)
    a = raw.encode(generator.standard_normal((rows, k * keep // of)))
    b = raw.encode(generator.standard_normal((k, columns)))
    places = np.stack([np.sort(generator.permutation(of)[:keep]) for _ in range(rows * k // of)]).reshape(rows, -1)
    d = unit.matmul_bits(a, b, indices=places)
    within = places + of * (np.arange(places.shape[1]) // keep)
    for i in range(rows):
        assert np.array_equal(d[i], dense.matmul_bits(a[i : i + 1], b[within[i]])[0])
        others = np.setdiff1d(np.arange(k), within[i])
        b_row = b.copy()
        b_row[others] = raw.encode(np.inf)
        assert np.array_equal(unit.dot_bits(a[[i] * columns], b_row.T, indices=places[[i] * columns]), d[i])


@pytest.mark.parametrize(("places", "message"), [
    ([[0, 0, 0, 1]], "ascending"), ([[1, 0, 0, 1]], "ascending"), ([[0, 4, 0, 1]], "from 0 to 3"),
    ([[0.0, 1.0, 0.0, 1.0]], "whole indices"),
])  # fmt: skip
def test_bad_places_of_sparse_operands(places: list[list[float]], message: str) -> None:
    unit = mma("ampere.mma", a="fp16", d="fp32", shape="m16n8k8", sparse=True)
    k = unit.k
    repeated = np.tile(np.array(places), (1, k // 8))
    with pytest.raises(InputError, match=message):
        unit.dot_bits(np.zeros((1, k // 2), np.uint16), np.zeros((1, k), np.uint16), indices=repeated)
    dense = mma("ampere.mma", a="fp16", d="fp32")
    with pytest.raises(InputError, match="takes no indices"):
        dense.dot_bits(np.zeros((1, 16), np.uint16), np.zeros((1, 16), np.uint16), indices=repeated)


def test_k_is_a_multiple_of_the_instructions() -> None:
    unit = mma("hopper.wgmma", a="e4m3fn", d="fp32")
    with pytest.raises(InputError, match="multiple of 32, got 33"):
        unit.dot_bits(np.zeros((1, 33), np.uint8), np.zeros((1, 33), np.uint8))
    with pytest.raises(InputError, match="as integers"):
        unit.dot_bits(np.zeros((1, 32)), np.zeros((1, 32)))
