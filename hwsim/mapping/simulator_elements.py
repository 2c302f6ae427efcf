"""The elements of a tile of a loop nest, listed one by one: for the simulator of mappings."""

from __future__ import annotations

import math
from collections import Counter
from fractions import Fraction
from itertools import product

import numpy as np

from hwsim.mapping.problem import Problem
from hwsim.units.spatial import SpatialArray

Tile = tuple[range, range, range]
"""Steps along m, n and k."""
Bits = Counter[tuple[str, str, str]]
"""(memory, operand, "read" or "write") to bits."""
RELEVANT = {"input": (0, 2), "weight": (1, 2), "output": (0, 1)}


class TileElements:
    """A problem and its ``tiles`` [S, 8], a row for each stage of memories."""

    def __init__(self, problem: Problem, tiles: np.ndarray) -> None:
        self.problem, self.hierarchy = problem, problem.hierarchy
        self.tiles = [[int(value) for value in row] for row in tiles]
        self.spatial = isinstance(problem.unit, SpatialArray)

    def _cores(self, stage: int, tile: Tile) -> tuple[list[range], list[range]]:
        """The shares of m and of n that cores with memories of their own take."""
        if self.hierarchy.stages[stage].per != "core":
            return [tile[0]], [tile[1]]
        m, n = self.tiles[stage][3], self.tiles[stage][4]
        return (
            [tile[0][start : start + m] for start in range(0, len(tile[0]), m)],
            [tile[1][start : start + n] for start in range(0, len(tile[1]), n)],
        )

    def _coordinates(self, side: int, steps: range) -> set[tuple[int, ...]]:
        """Elements along a class: (image, row, column) of m, (filter,) of n, (channel, tap row, tap column) of k."""
        g = [int(value) for value in self.problem.geometry]
        if side == 1:
            return {(step * g[13] + lane,) for step in steps for lane in range(g[13]) if step * g[13] + lane < g[20]}
        first = 0 if side == 0 else 3
        counts, unroll, extent = g[first : first + 3], g[first + 7 : first + 10], g[first + 14 : first + 17]
        found = set()
        for step in steps:
            at = (step % counts[0], step // counts[0] % counts[1], step // (counts[0] * counts[1]))
            for lane in product(*(range(factor) for factor in unroll)):
                place = tuple(at[d] * unroll[d] + lane[d] for d in range(3))
                if all(place[d] < extent[d] for d in range(3)):
                    found.add(place[::-1])
        return found

    def _elements(self, operand: str, tile: Tile) -> int:
        """Distinct elements of an operand in a tile."""
        if operand != "input":
            first, second = RELEVANT[operand]
            return len(self._coordinates(first, tile[first])) * len(self._coordinates(second, tile[second]))
        return self._inputs(tile)

    def _inputs(self, tile: Tile) -> int:
        window, (share, of) = self.problem.window, self.problem.widths.distinct_a
        if window is None:
            return -(-len(self._coordinates(0, tile[0])) * len(self._coordinates(2, tile[2])) * share // of)
        if not self.spatial:
            return self._in_proportion(tile)
        (stride_y, stride_x), (dilation_y, dilation_x) = window.stride, window.dilation
        rows = {(o * stride_y + t * dilation_y) for _, o, _ in self._coordinates(0, tile[0])
                for _, t, _ in self._coordinates(2, tile[2])}  # fmt: skip
        columns = {(o * stride_x + t * dilation_x) for _, _, o in self._coordinates(0, tile[0])
                   for _, _, t in self._coordinates(2, tile[2])}  # fmt: skip
        images = {image for image, _, _ in self._coordinates(0, tile[0])}
        channels = {channel for channel, _, _ in self._coordinates(2, tile[2])}
        pixels = min(len(rows), window.input[0]) * min(len(columns), window.input[1])
        return len(images) * len(channels) * pixels

    def _in_proportion(self, tile: Tile) -> int:
        """As if the tile began with its row and its share of each window were as that of all its windows."""
        window = self.problem.window
        assert window is not None
        m, k = len(tile[0]), len(tile[2])
        (high, wide), (rows, columns) = window.taps, window.outputs
        images = -(-m // (rows * columns)) if m >= rows * columns else 1
        rows = rows if m >= rows * columns else -(-m // columns)
        columns = min(columns, m)
        spans = []
        for outputs, taps, at in ((rows, high, 0), (columns, wide, 1)):
            stride, dilation = window.stride[at], window.dilation[at]
            touched = {o * stride + t * dilation for o in range(outputs) for t in range(taps)}
            spans.append(min(len(touched), window.input[at]))
        share = Fraction(k, high * wide)
        return min(m * k, math.ceil(images * spans[0] * spans[1] * share))

    def _of_one(self, operand: str, tile: Tile) -> int:
        """Elements that one processing element receives: those of a step, for every step."""
        m, n, k = map(len, tile)
        if operand == "weight":
            return n * k
        if operand == "output":
            return m * n
        from hwsim.kernels.tile_elements import input_elements_of_one

        return int(input_elements_of_one(self.problem.geometry, m, k))

    def _width(self, operand: str) -> int:
        widths = self.problem.widths
        return {"input": widths.a, "weight": widths.b, "output": widths.partial}[operand]
