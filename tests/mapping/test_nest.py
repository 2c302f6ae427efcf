"""Loop nests as they are printed."""

import pytest

from hwsim.mapping import Mapping
from hwsim.mapping.record import Level

LOOPS = {"OX": 4, "OY": 4, "B": 1, "FX": 3, "FY": 3, "C": 8, "K": 6}


def nest(tile, order=(1, 2, 0)):
    level = Level(("buffer",), tile, tile, order)
    return Mapping(tile, ("n", "k", "m"), {}, 0, 0, 0, "compute", {}, (level,), {}, LOOPS).loop_nest().splitlines()


@pytest.mark.parametrize(
    ("k", "loop", "held"),
    [
        (9, "for C in 8 x 1", "FX 3, FY 3"),
        (18, "for C in 4 x 2", "FX 3, FY 3, C 2"),
        (3, "for C in 8 x 1", "FX 3"),
        (32, "for k in 3 x 32", "k 32"),  # three windows and a half: a run of k across its loops
        (6, "for k in 12 x 6", "k 6"),
    ],
)
def test_a_tile_is_told_in_loops_where_it_is_whole_ones(k, loop, held):
    lines = [line.strip() for line in nest((16, 6, k))]
    assert loop in lines
    assert f"buffer: OX 4, OY 4, K 6, {held}" in lines


def test_tiles_of_pixels_across_rows():
    lines = [line.strip() for line in nest((6, 6, 72))]
    assert "for m in 3 x 6" in lines
    assert "buffer: m 6, K 6, FX 3, FY 3, C 8" in lines
