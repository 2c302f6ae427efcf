"""Hadamard matrices in plain integers, entry by entry."""

from __future__ import annotations

from collections.abc import Sequence

Matrix = list[list[int]]


def sylvester(order: int) -> Matrix:
    """Order a power of two: −1 to the number of ones that row and column have in common."""
    return [[(-1) ** (row & column).bit_count() for column in range(order)] for row in range(order)]


def paley(order: int) -> Matrix:
    """Construction I, for a prime ``order − 1`` that is 3 modulo 4; the character by Euler's criterion."""
    prime = order - 1

    def entry(row: int, column: int) -> int:
        if row == column:
            return 1
        if row == 0 or column == 0:
            return 1 if row == 0 else -1
        return 1 if pow(row - column, (prime - 1) // 2, prime) == 1 else -1

    return [[entry(row, column) for column in range(order)] for row in range(order)]


def kronecker(a: Matrix, b: Matrix) -> Matrix:
    """Every entry of ``a`` times ``b``."""
    return [[x * y for x in row_a for y in row_b] for row_a in a for row_b in b]


def hadamard(power: int, order: int) -> Matrix:
    """The matrix of order ``power · order``; order 1, 12 or 20."""
    return kronecker(sylvester(power), paley(order)) if order > 1 else sylvester(power)


def transform(matrix: Matrix, x: Sequence[int]) -> list[int]:
    """``matrix · x``."""
    return [sum(h * v for h, v in zip(row, x, strict=True)) for row in matrix]


def transpose(matrix: Matrix) -> Matrix:
    """Rows as columns."""
    return [list(column) for column in zip(*matrix, strict=True)]
