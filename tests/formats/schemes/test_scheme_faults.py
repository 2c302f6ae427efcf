"""Bit errors: each flip as the golden model has it, whatever the chunks; signs that survive in their cell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import hwsim.formats
from hwsim.base.errors import InputError
from hwsim.formats.schemes import MultiLevelCell, back_up_sign, cell_states, disturb_cells, flip_bits, restore_sign
from hwsim.formats.schemes.randomness import below, philox_words
from hwsim.golden import faults as golden

seeds = st.integers(0, 2**64 - 1)
rates = st.sampled_from([0.0, 1e-3, 0.25, 0.5, 1.0])


def test_the_generator_of_the_golden_model():
    """Known answers of Random123, kat_vectors: philox4x64 with 10 rounds."""
    assert golden.philox(0, (0, 0)) == (
        0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B,
    )  # fmt: skip
    ones = (1 << 64) - 1
    assert golden.philox((1 << 256) - 1, (ones, ones)) == (
        0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0,
    )  # fmt: skip


@given(seeds, st.integers(0, 200), st.integers(0, 9), st.integers(0, 9))
def test_words_depend_on_their_position_only(seed, stream, first, count):
    expected = [golden.word(seed, stream, index) for index in range(first, first + count)]
    assert philox_words(seed, stream, first, count).tolist() == expected


@given(seeds, st.lists(rates, min_size=6, max_size=6), st.lists(st.integers(0, 63), max_size=20), st.integers(0, 50))
def test_flips_are_the_golden_ones(seed, each, codes, first):
    expected = [
        golden.flip_bits(code, each, [golden.word(seed, bit, first + j) for bit in range(6)])
        for j, code in enumerate(codes)
    ]
    assert flip_bits(np.array(codes, np.int64), 6, each, seed, first).tolist() == expected


@given(seeds, st.lists(st.integers(0, 255), min_size=1, max_size=20), st.tuples(*[rates] * 4))
def test_cells_are_the_golden_ones(seed, codes, error_rates):
    becomes = (3, 2, 0, 1)
    cell = MultiLevelCell(error_rates, becomes)
    expected = [
        golden.disturb_cells(code, error_rates, becomes, [golden.word(seed, 64 + c, j) for c in range(4)])
        for j, code in enumerate(codes)
    ]
    assert disturb_cells(codes, 8, cell, seed).tolist() == expected


@given(st.integers(0, 40))
def test_chunks_and_widths_do_not_matter(cut):
    codes = np.arange(40, dtype=np.uint8).reshape(5, 8)
    whole = flip_bits(codes, 8, 0.3, seed=9)
    parts = [flip_bits(codes.reshape(-1)[:cut], 8, 0.3, 9), flip_bits(codes.reshape(-1)[cut:], 8, 0.3, 9, first=cut)]
    assert np.concatenate(parts).tolist() == whole.reshape(-1).tolist()
    wide = flip_bits(codes.astype(np.uint16), 16, 0.3, seed=9)
    assert ((wide ^ whole) & 0xFF == 0).all()
    cells = disturb_cells(codes, 8, MultiLevelCell(), 9).reshape(-1)
    assert disturb_cells(codes.reshape(-1)[cut:], 8, MultiLevelCell(), 9, first=cut).tolist() == cells[cut:].tolist()


def test_rates_of_one_and_none():
    codes = np.arange(16)
    assert flip_bits(codes, 4, 0, 1).tolist() == codes.tolist()
    assert flip_bits(codes, 4, 1, 1).tolist() == (15 - codes).tolist()
    assert flip_bits(codes, 4, [0, 0, 0, 1], 1).tolist() == (codes ^ 8).tolist()
    assert flip_bits(np.full(3, 2**64 - 1, np.uint64), 64, 1, 1).tolist() == [0, 0, 0]
    assert below(np.array([2**64 - 1], np.uint64), 2**64).tolist() == [True]


def test_a_rate_is_the_share_of_flips():
    """A million draws at 1/8: within 5 standard deviations, √(n·p·(1 − p)) = 331."""
    flips = np.bitwise_count(flip_bits(np.zeros(125_000, np.uint8), 8, 0.125, seed=2)).sum()
    assert abs(int(flips) - 125_000) < 5 * 331


def test_only_mixed_states_fail_by_default():
    """01 becomes 00 and 10 becomes 11: the soft bit did not follow."""
    cell = MultiLevelCell((0.0, 1.0, 1.0, 0.0))
    assert disturb_cells([0b00_01_10_11, 0b11_11_00_00], 8, cell, 0).tolist() == [0b00_00_11_11, 0b11_11_00_00]
    assert cell_states([0b00_01_10_11, 0b11_11_00_01], 8).tolist() == [2, 2, 1, 3]


@pytest.mark.parametrize("name", ["fp16", "bf16", "e4m3", "fp32"])
@given(data=st.data())
def test_signs_survive_what_their_cell_does_not(name, data):
    fmt = hwsim.formats.get(name)
    x = data.draw(st.lists(st.floats(-1, 1), min_size=1, max_size=10))
    codes = fmt.encode(x)
    stored = back_up_sign(codes, fmt)
    top = stored.astype(np.int64) >> (fmt.bits - 2)
    assert top.tolist() == [0b11 if code >> (fmt.bits - 1) else 0b00 for code in codes.tolist()]
    restored, mismatch = restore_sign(stored, fmt)
    assert restored.tolist() == codes.tolist() and not mismatch.any()
    damaged = disturb_cells(stored, fmt.bits, MultiLevelCell((0.0, 1.0, 1.0, 0.0)), 1)
    read, _ = restore_sign(damaged, fmt)
    unprotected = disturb_cells(codes, fmt.bits, MultiLevelCell((0.0, 1.0, 1.0, 0.0)), 1)
    assert (read.astype(np.int64) >> (fmt.bits - 2)).tolist() == (codes.astype(np.int64) >> (fmt.bits - 2)).tolist()
    # Without the backup a negative weight's first cell is 10, which turns into 11: it grows by 2**(2**(e − 1)).
    assert ((unprotected ^ codes).astype(np.int64) >> (fmt.bits - 2)).tolist() == [
        code >> (fmt.bits - 1) for code in codes.tolist()
    ]


def test_a_lost_backup_is_seen():
    fmt = hwsim.formats.get("fp16")
    stored = back_up_sign(fmt.encode([-0.5, 0.5]), fmt)
    restored, mismatch = restore_sign(stored ^ np.uint16(0x4000), fmt)
    assert mismatch.tolist() == [True, True]
    assert fmt.decode(restored).tolist() == [-0.5, 0.5]


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (lambda: flip_bits([1], 4, 1.5, 0), "from 0 to 1"),
        (lambda: flip_bits([1], 4, [0.1], 0), "1 or 4 error rates"),
        (lambda: flip_bits([16], 4, 0.1, 0), "4 bits"),
        (lambda: flip_bits([0.5], 4, 0.1, 0), "4 bits"),
        (lambda: flip_bits([1], 65, 0.1, 0), "1 to 64 bits"),
        (lambda: flip_bits([1], 4, 0.1, -1), "seed"),
        (lambda: flip_bits([1], 4, 0.1, 1, first=-1), "positions"),
        (lambda: disturb_cells([1], 5, MultiLevelCell(), 0), "even width"),
        (lambda: cell_states([1], 5), "even width"),
        (lambda: MultiLevelCell((0, 0, 0, 2)), "from 0 to 1"),
        (lambda: MultiLevelCell(becomes=(0, 0, 0, 0)), "state 00"),
        (lambda: MultiLevelCell((0, 0)), "4 error rates"),
        (lambda: back_up_sign(hwsim.formats.get("fp16").encode([2.0]), hwsim.formats.get("fp16")), "in use"),
        (lambda: back_up_sign([0], hwsim.formats.get("ue4m3")), "no sign"),
    ],
)
def test_bad_input_gets_one_line(call, line):
    with pytest.raises(InputError, match=line) as error:
        call()
    assert "\n" not in str(error.value)
