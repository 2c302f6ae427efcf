"""Which tensors of a network share a scale, and which are kept between operators as operand codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hwsim.workload import Operator

KEEPS_CODES = frozenset({"max_pool2d", "reshape"})
"""Operators whose outputs are some of their inputs: they commute with quantization and need no scale of their own."""

PRODUCTS = frozenset({"conv2d", "linear", "gemm"})


@dataclass(frozen=True)
class Plan:
    """How quantized activations flow through the graph."""

    scaled_as: dict[str, str]
    """Matrix product to the tensor (operator or input data) whose scale quantizes its operand a."""
    stored_as_codes: frozenset[str]
    """Operators whose outputs only products read: memory holds them as operand codes, not as reals."""


def plan(operators: Sequence[Operator]) -> Plan:
    """Follow every operator's inputs back through the operators that keep codes."""
    by_name = {operator.name: operator for operator in operators}

    def origin(name: str) -> str:
        while name in by_name and by_name[name].op in KEEPS_CODES:
            name = by_name[name].input[0]
        return name

    scaled_as = {op.name: origin(op.input[0]) for op in operators if _multiplies_input(op)}
    read = {origin(name) for op in operators for name in op.input}
    read_as_reals = {
        origin(name) for op in operators if not _reads_codes(op) and op.op not in KEEPS_CODES for name in op.input
    }
    results = {name for name in by_name if not any(name in op.input for op in operators)}
    as_codes = read - read_as_reals - {origin(name) for name in results}
    return Plan(scaled_as, frozenset(name for name in by_name if origin(name) in as_codes))


def _multiplies_input(operator: Operator) -> bool:
    """Whether the operator multiplies its one input by weights."""
    return operator.op in PRODUCTS and len(operator.input) == 1


def _reads_codes(operator: Operator) -> bool:
    """Whether every input is an operand of a product; attention's queries, keys and values are."""
    return operator.op in PRODUCTS or operator.op == "attention"
