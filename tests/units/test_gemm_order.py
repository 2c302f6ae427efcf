"""Orders of whole GEMMs: bits against the golden model, the rules of the sources, sampling, interruption."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwsim.arch.matrix_units import mma
from hwsim.base.errors import InputError
from hwsim.formats import get
from hwsim.golden import gemm as golden
from hwsim.golden.number import unpack
from hwsim.units import gemm as gemm_module
from hwsim.units.gemm_epilogue import Epilogue, fused_multiply_add
from hwsim.units.gemm_order import GemmOrder, StreamK
from hwsim.units.gemm_tiling import BatchTiling, Tile, TilingRow
from hwsim.units.matrix_unit import MatrixUnit

UNITS = {
    "ada_fp8": mma("ada.mma", a="e4m3fn", d="fp32"),
    "hopper_fp8": mma("hopper.wgmma", a="e4m3fn", b="e5m2", d="fp32"),
    "ampere_fp16": mma("ampere.mma", a="fp16", d="fp16", shape="m16n8k8"),
    "cdna3_bf16": mma("cdna3.mfma", a="bf16", d="fp32"),
    "simt": mma("simt.fma", a="bf16", d="fp32"),
}


def operands(unit: MatrixUnit, m: int, n: int, k: int, seed: int, wild: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Codes of normal values of mixed sizes; ``wild`` adds any code at all, NaN and infinities among them."""
    rng = np.random.default_rng(seed)
    made = []
    for shape, f in (((m, k), unit.datapath.operands.a), ((k, n), unit.datapath.operands.b)):
        values = rng.normal(size=shape) * 2.0 ** rng.integers(-4, 5, shape)
        codes = f.encode(values, overflow="saturate")
        if wild:
            anything = rng.integers(0, f.code_count, shape).astype(codes.dtype)
            codes = np.where(rng.random(shape) < 0.02, anything, codes)
        made.append(codes)
    return made[0], made[1]


def assert_golden(order: GemmOrder, unit: MatrixUnit, a: np.ndarray, b: np.ndarray, **scaling: Any) -> np.ndarray:
    d = order.matmul(unit, a, b, **scaling)
    blocks = (scaling.pop("block_scale_a", None), scaling.pop("block_scale_b", None))
    codes = golden.gemm(
        order, unit, a.tolist(), b.tolist(),
        **{key: value.tolist() for key, value in scaling.items()},
        block_scales=None if blocks[0] is None else (blocks[0].tolist(), blocks[1].tolist()),
    )  # fmt: skip
    expected = np.array(codes, dtype=d.dtype)
    compared = np.ones(d.shape, bool)
    if not unit.datapath.reduction.canonical_nan:  # payloads are unspecified
        f = order.result_format(unit)
        assert np.array_equal(np.isnan(f.decode(d)), np.isnan(f.decode(expected)))
        compared = ~np.isnan(f.decode(d))
    assert np.array_equal(d[compared], expected[compared])
    return d


# Every combination ----------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize(
    ("split", "combine", "split_k"),
    [
        (split, combine, s)
        for split, combine in itertools.product(("contiguous", "interleaved"), ("serial", "pairwise"))
        for s in (1, 2, 3, 4, 5, 7)
    ],
)
def test_splits_give_the_golden_bits(unit: str, split: Any, combine: Any, split_k: int) -> None:
    made = UNITS[unit]
    width = max(made.k, 8)
    a, b = operands(made, 2, 3, 6 * width + width // 2, split_k)
    for every, output in ((None, None), (width, "bf16"), (2 * width, "e4m3fn")):
        end = None if output is None else Epilogue(output=get(output), scale_a=0.3, scale_b=1.7)
        order = GemmOrder(
            tile=Tile(k=width), split_k=split_k, split=split, combine=combine, promote_every=every, epilogue=end
        )
        assert_golden(order, made, a, b)


@pytest.mark.parametrize("unit", UNITS)
def test_special_values_give_the_golden_bits(unit: str) -> None:
    made = UNITS[unit]
    width = max(made.k, 8)
    a, b = operands(made, 5, 6, 4 * width, 3, wild=True)
    for s, every, output in itertools.product((1, 3), (None, width), (None, "fp32", "fp16", "e5m2")):
        end = None if output is None else Epilogue(output=get(output), scale_a=3e4, bias=-0.5, activation="relu")
        order = GemmOrder(tile=Tile(k=width), split_k=s, promote_every=every, epilogue=end)
        assert_golden(order, made, a, b)


@pytest.mark.parametrize("schedule", ["basic", "one_tile", "two_tile"])
@pytest.mark.parametrize("workers", [1, 2, 3, 4, 5, 7, 11, 40])
def test_stream_k_gives_the_golden_bits(schedule: Any, workers: int) -> None:
    unit = UNITS["simt"]
    a, b = operands(unit, 5, 7, 22, workers)
    for raster, every in (("row", None), ("column", 2)):
        stream = StreamK(workers=workers, schedule=schedule, raster=raster)
        order = GemmOrder(tile=Tile(m=2, n=3, k=4), stream_k=stream, promote_every=every)
        assert_golden(order, unit, a, b)


@pytest.mark.parametrize("workspace", ["fp32", "bf16", "fp16", "e5m2"])
def test_partial_sums_in_a_workspace_format(workspace: str) -> None:
    unit = UNITS["hopper_fp8"]
    a, b = operands(unit, 3, 4, 256, 8)
    for combine in ("serial", "pairwise"):
        assert_golden(GemmOrder(tile=Tile(k=32), split_k=4, combine=combine, workspace=get(workspace)), unit, a, b)


def test_scales_of_rows_columns_and_blocks() -> None:
    unit, rng = UNITS["hopper_fp8"], np.random.default_rng(0)
    a, b = operands(unit, 3, 4, 200, 1)
    order = GemmOrder(tile=Tile(k=128), promote_every=64, epilogue=Epilogue(output=get("bf16")))
    ends = {"scale_a": rng.normal(size=3), "scale_b": rng.normal(size=4), "bias": rng.normal(size=4) * 100}
    ends = {key: value.astype(np.float32).astype(np.float64) for key, value in ends.items()}
    assert_golden(order, unit, a, b, **ends)
    blocks = {"block_scale_a": rng.random((3, 4)), "block_scale_b": rng.random((4, 4))}
    blocks = {key: value.astype(np.float32).astype(np.float64) for key, value in blocks.items()}
    assert_golden(order, unit, a, b, **ends, **blocks)


def test_fp64_instructions_promote_in_fp64() -> None:
    unit = mma("ampere.mma", a="fp64", d="fp64")
    a, b = operands(unit, 2, 3, 24, 5)
    assert_golden(GemmOrder(tile=Tile(k=8), split_k=3, promote_every=4), unit, a, b)


@given(st.lists(st.integers(0, 2**32 - 1), min_size=3, max_size=3))
def test_the_fused_multiply_add_rounds_once(codes: list[int]) -> None:
    x, y, z = (np.array([code], np.uint32).view(np.float32) for code in codes)
    ours = fused_multiply_add(x, y, z)
    wanted = golden.multiply_add(*(unpack(get("fp32"), code) for code in codes))
    if wanted.special == "nan":
        assert np.isnan(ours[0])
    else:
        assert unpack(get("fp32"), int(ours.view(np.uint32)[0])).value == wanted.value
        assert np.signbit(ours[0]) == wanted.negative


@given(st.integers(0, 2**24), st.integers(0, 2**24), st.integers(-30, 30), st.booleans())
def test_the_fused_multiply_add_at_halfway_points(i: int, j: int, shift: int, minus: bool) -> None:
    """Products whose tail is far below a tie between two floats, where a second rounding would show."""
    x, y = np.float32(i), np.float32(j)
    z = np.float32((-1 if minus else 1) * 2.0**shift * (2**24 - 1))
    codes = [int(np.float32(v).view(np.uint32)) for v in (x, y, z)]
    ours = fused_multiply_add(*(np.array([v], np.float32) for v in (x, y, z)))
    assert float(ours[0]) == golden.multiply_add(*(unpack(get("fp32"), code) for code in codes)).value


# The rules of the sources ---------------------------------------------------------------------------


def test_who_owns_which_k_tiles() -> None:
    """RTX 4060: t mod S = s. H100: runs of ⌈T/S⌉."""
    order = GemmOrder(tile=Tile(k=64), split_k=3, split="interleaved")
    assert golden.partial_sums(order, (0, 0), (1, 1), 320) == [
        [*range(64), *range(192, 256)], [*range(64, 128), *range(256, 320)], [*range(128, 192)],
    ]  # fmt: skip
    runs = GemmOrder(tile=Tile(k=128), split_k=4)
    assert [len(own) for own in golden.partial_sums(runs, (0, 0), (1, 1), 128 * 5)] == [256, 256, 128, 0]


@pytest.mark.parametrize(
    ("splits", "formula"),
    [
        (2, lambda p: p[1] + p[0]),
        (3, lambda p: (p[2] + p[0]) + p[1]),
        (4, lambda p: (p[3] + (p[0] + p[2])) + p[1]),
        (5, lambda p: ((p[4] + (p[0] + p[3])) + p[1]) + p[2]),
        (6, lambda p: ((p[5] + (p[0] + p[3])) + (p[1] + p[4])) + p[2]),
    ],
)
def test_pairwise_is_the_recorded_formula(splits: int, formula: Any) -> None:
    """slot_i = p_i + p_(i+h) if i + h < S − 1, h = ⌈S/2⌉; ((p_(S−1) + slot_0) + slot_1) + …, written out."""
    unit, rng = UNITS["simt"], np.random.default_rng(splits)
    p = rng.normal(size=splits).astype(np.float32) * 2.0 ** rng.integers(-8, 8, splits).astype(np.float32)
    p = get("bf16").round(p).astype(np.float32)
    a = get("bf16").encode(p)[None, :]
    b = get("bf16").encode(np.ones((splits, 1)))
    order = GemmOrder(tile=Tile(k=1), split_k=splits, combine="pairwise")
    assert get("fp32").decode(order.matmul(unit, a, b))[0, 0] == formula(p)


def test_a_single_chain_is_the_instruction_itself() -> None:
    unit = UNITS["hopper_fp8"]
    a, b = operands(unit, 4, 5, 256, 2)
    assert np.array_equal(GemmOrder().matmul(unit, a, b), unit.matmul_bits(a, b))


def test_promotion_is_the_chunked_accumulator() -> None:
    """An order with promote_every and one split against `Datapath.with_chunks`."""
    unit = UNITS["ada_fp8"]
    a, b = operands(unit, 4, 5, 512, 2)
    promoted = GemmOrder(promote_every=128).matmul(unit, a, b)
    plain = unit.datapath.model_copy(update={"output": None}).with_chunks(128, "fp32")
    assert np.array_equal(promoted, plain.matmul_codes(a, b).codes)


def test_fp8_output_saturates_and_bf16_does_not() -> None:
    unit = UNITS["simt"]
    a, b = (get("bf16").encode(np.full(shape, 2.0**100)) for shape in ((1, 1), (1, 1)))
    for name, value in (("e4m3fn", 448.0), ("e5m2", 57344.0), ("bf16", np.inf)):
        order = GemmOrder(epilogue=Epilogue(output=get(name)))
        assert get(name).decode(order.matmul(unit, a, b))[0, 0] == value


def test_a_negative_zero_leaves_the_epilogue_positive() -> None:
    """y = RN32(acc·α + 0)."""
    unit = UNITS["simt"]
    a, b = (get("bf16").encode(np.full(shape, v)) for shape, v in (((1, 1), 0.0), ((1, 1), 1.0)))
    order = GemmOrder(epilogue=Epilogue(scale_a=-1.0))
    assert order.matmul(unit, a, b).tolist() == [[0]]


# Tiling by batch ------------------------------------------------------------------------------------


def test_small_batches_are_split_and_large_ones_are_not() -> None:
    tiling = BatchTiling(sms=132)
    order = GemmOrder(tiling=tiling, epilogue=Epilogue())
    assert order.at(1, 4096, 4096).split_k > 1
    assert order.at(8192, 4096, 4096).split_k == 1
    assert order.at(1, 4096, 4096).tiling is None


@pytest.mark.parametrize(
    ("shape", "size", "splits"),
    [
        ((256, 512, 4096), (128, 128), 1),  # 4 CTAs of 128×256 leave SMs idle, 8 of 128×128 do not
        ((2048, 512, 4096), (128, 256), 1),
        ((64, 128, 4096), (64, 64), 4),  # 2 CTAs on 8 SMs
        ((64, 64, 4096), (64, 64), 7),  # 8 splits would fit; 7 is the limit
        ((64, 64, 512), (64, 64), 2),  # 8 k-tiles, at least 4 each
        ((1, 64, 64), (64, 64), 1),
    ],
)
def test_the_rule_fills_the_sms(shape: tuple[int, int, int], size: tuple[int, int], splits: int) -> None:
    tile, found = BatchTiling(sms=8).choose(Tile(k=64), *shape)
    assert ((tile.m, tile.n), found) == (size, splits)


def test_a_table_overrides_the_rule() -> None:
    rows = (TilingRow(m_up_to=16, tile=Tile(m=16, n=64, k=32), split_k=3), TilingRow(split_k=2))
    tiling = BatchTiling(sms=8, table=rows)
    assert tiling.choose(Tile(), 16, 99, 4096) == (Tile(m=16, n=64, k=32), 3)
    assert tiling.choose(Tile(), 17, 99, 4096) == (Tile(), 2)


def test_a_batch_changes_the_bits_of_the_same_row() -> None:
    unit = UNITS["hopper_fp8"]
    a, b = operands(unit, 256, 64, 2048, 4)
    order = GemmOrder(tile=Tile(k=128), tiling=BatchTiling(sms=8), epilogue=Epilogue())
    first = [order.matmul(unit, a[:m], b, rows=[0]) for m in (1, 256)]
    assert (first[0] != first[1]).any()
    fixed = GemmOrder(tile=Tile(k=128), epilogue=Epilogue())
    assert np.array_equal(fixed.matmul(unit, a[:1], b), fixed.matmul(unit, a, b, rows=[0]))


# Whole GEMMs ----------------------------------------------------------------------------------------

ORDERS = {
    "chain": GemmOrder(tile=Tile(k=32)),
    "split": GemmOrder(tile=Tile(k=32), split_k=3, split="interleaved", promote_every=32),
    "stream": GemmOrder(tile=Tile(m=16, n=8, k=32), stream_k=StreamK(workers=7), epilogue=Epilogue(output=get("bf16"))),
    "tiling": GemmOrder(tile=Tile(k=32), tiling=BatchTiling(sms=8), epilogue=Epilogue(output=get("bf16"))),
}


@pytest.mark.parametrize("name", ORDERS)
def test_sampled_elements_have_the_same_bits(name: str) -> None:
    unit, order = UNITS["hopper_fp8"], ORDERS[name]
    a, b = operands(unit, 40, 50, 320, 6)
    whole = order.matmul(unit, a, b)
    rows, columns = [3, 39, 0, 3, 17], [49, 1, 8, 7]
    assert np.array_equal(order.matmul(unit, a, b, rows=rows, columns=columns), whole[np.ix_(rows, columns)])
    assert np.array_equal(order.matmul(unit, a, b, rows=rows), whole[rows])
    assert order.matmul(unit, a, b, rows=[]).shape == (0, 50)


@pytest.mark.parametrize("name", ORDERS)
def test_blocks_do_not_show_in_the_bits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    unit, order = UNITS["hopper_fp8"], ORDERS[name]
    a, b = operands(unit, 40, 50, 320, 6)
    whole = order.matmul(unit, a, b)
    monkeypatch.setattr(gemm_module, "BLOCK", (7, 11))
    seen: list[tuple[int, int]] = []
    assert np.array_equal(order.matmul(unit, a, b, progress=lambda done, total: seen.append((done, total))), whole)
    assert [done for done, _ in seen] == list(range(1, seen[-1][1] + 1))
    assert len({total for _, total in seen}) == 1


def test_an_interruption_ends_the_gemm_at_once() -> None:
    """Ctrl-C in the middle is passed on, and nothing more is computed."""
    unit = UNITS["hopper_fp8"]
    a, b = operands(unit, 16, 16, 640, 6)
    steps: list[int] = []

    def interrupt(done: int, total: int) -> None:
        steps.append(done)
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        GemmOrder(tile=Tile(k=32), promote_every=32).matmul(unit, a, b, progress=interrupt)
    assert steps == [1, 2, 3]


def test_memory_stays_within_three_times_the_operands_as_float64() -> None:
    import tracemalloc

    unit = UNITS["hopper_fp8"]
    a, b = operands(unit, 1024, 2048, 2048, 6)
    order = GemmOrder(tile=Tile(k=128), promote_every=128, epilogue=Epilogue(output=get("bf16")))
    order.matmul(unit, a[:8], b[:, :16])  # compile
    tracemalloc.start()
    order.matmul(unit, a, b, rows=range(700), columns=range(1100))  # a whole block and the starts of three
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 8 * (a.size + b.size)


def test_an_unsplit_chain_over_all_of_k_stays_within_memory() -> None:
    import tracemalloc

    unit = UNITS["hopper_fp8"]
    a, b = operands(unit, 512, 1024, 2048, 6)
    tracemalloc.start()
    GemmOrder(epilogue=Epilogue(output=get("bf16"))).matmul(unit, a, b, rows=range(256))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3 * 8 * (a.size + b.size)


# Refusals -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"stream_k": {"workers": 4}, "split_k": 2}, "leave out split_k"),
        ({"stream_k": {"workers": 4}, "combine": "pairwise"}, "leave out combine"),
        ({"tiling": {"sms": 4}}, "needs an epilogue"),
        ({"workspace": "int8"}, "float of at most 24 bits"),
        ({"tiling": {"sms": 4, "sizes": []}, "epilogue": {}}, "pairs"),
    ],
)
def test_orders_that_make_no_sense(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        GemmOrder.model_validate(fields)


@pytest.mark.parametrize(
    ("order", "given", "words"),
    [
        (GemmOrder(tile=Tile(k=48)), {}, "multiple of the instruction's k, 32"),
        (GemmOrder(promote_every=16), {}, "promote_every 16"),
        (GemmOrder(), {"scale_a": 2.0}, "no epilogue"),
        (GemmOrder(), {"rows": [4]}, "rows from 0 to 3"),
        (GemmOrder(epilogue=Epilogue()), {"scale_b": np.ones(3)}, "scale_b as one number or 5"),
        (GemmOrder(), {"block_scale_a": np.ones((4, 2))}, "need promote_every"),
        (GemmOrder(promote_every=128), {"block_scale_a": np.ones((4, 3))}, r"shape \[4, 2\]"),
        (GemmOrder(workspace=get("fp64")), {}, "does not go with"),
    ],
)
def test_refused_with_one_line(order: GemmOrder, given: dict[str, Any], words: str) -> None:
    unit = UNITS["hopper_fp8"]
    a, b = operands(unit, 4, 5, 256, 2)
    with pytest.raises(InputError, match=words):
        order.matmul(unit, a, b, **given)


def test_integer_and_sparse_instructions_are_refused() -> None:
    with pytest.raises(InputError, match="exact"):
        GemmOrder().matmul(mma("hopper.wgmma", a="int8", d="int32"), np.zeros((1, 64), int), np.zeros((64, 1), int))
    with pytest.raises(InputError, match="dense"):
        GemmOrder().matmul(
            mma("hopper.wgmma", a="fp16", d="fp32", sparse=True), np.zeros((1, 64), int), np.zeros((64, 1), int)
        )
