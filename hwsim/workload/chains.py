"""Chains of steps that hardware may fuse: each works row by row on what the one before writes."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.base.errors import did_you_mean
from hwsim.workload.errors import Misplaced
from hwsim.workload.operator import Operator
from hwsim.workload.steps import MatmulStep, Step

Placed = tuple[Operator, Step]

_ALONG_THE_ROW = frozenset({"softmax", "layer_norm", "rms_norm"})
_ELEMENTWISE = frozenset({"relu", "gelu", "gelu_tanh", "silu", "sigmoid", "tanh", "add", "sub", "mul"})
ROW_WISE = _ALONG_THE_ROW | _ELEMENTWISE
"""Vector functions that need no other row than the one they write."""


def named_chains(
    fuse: Sequence[Sequence[str]], operators: Sequence[Operator], steps: Sequence[Placed]
) -> list[list[Placed]]:
    """The steps of each chain of names of operators (or steps); `Misplaced` where they do not follow one another."""
    chains: list[list[Placed]] = []
    for index, names in enumerate(fuse):
        chain: list[Placed] = []
        for position, name in enumerate(names):
            place = ("fuse", index, position)
            found = [placed for placed in steps if name in (placed[0].name, placed[1].name)]
            if not found:
                known = [step.name for _, step in steps] + [operator.name for operator in operators]
                raise Misplaced(place, f"no operator with work to do is called '{name}'{did_you_mean(name, known)}")
            for placed in found:
                problem = _misfit(operators, chain, placed)
                if any(placed[1].name == step.name for other in chains for _, step in other):
                    problem = f"{name} is in an earlier chain already"
                if problem:
                    raise Misplaced(place, problem)
                chain.append(placed)
        if len(chain) < 2 or not _products(chain):
            raise Misplaced(("fuse", index), "a chain takes two operators or more, a matrix product among them")
        chains.append(chain)
    return chains


def found_chains(operators: Sequence[Operator], steps: Sequence[Placed]) -> list[list[Placed]]:
    """The longest runs of row-wise steps with a product, each the only reader of the one before, as the graph says."""
    chains: list[list[Placed]] = [[]]
    for placed in steps:
        chain = chains[-1]
        if chain and (not _reads(placed, chain[-1]) or _misfit(operators, chain, placed)):
            chains.append([])
        if not _misfit(operators, chains[-1], placed):
            chains[-1].append(placed)
    return [chain for chain in chains if len(chain) > 1 and _products(chain)]


def _products(chain: Sequence[Placed]) -> list[MatmulStep]:
    return [step for _, step in chain if isinstance(step, MatmulStep)]


def _misfit(operators: Sequence[Operator], chain: Sequence[Placed], placed: Placed) -> str:
    """Why a step cannot be the next of a chain; empty where it can."""
    operator, step = placed
    if isinstance(step, MatmulStep) and step.window is not None:
        return f"{step.name} is a convolution, whose rows need their neighbours; only plain products are fused"
    if not isinstance(step, MatmulStep) and not {operator.op, step.op} & ROW_WISE:
        return f"{step.name} does not work row by row, so that it cannot be fused"
    if not chain:
        return ""
    return _unread(operators, chain[-1], placed) or _other_rows(chain, placed)


def _unread(operators: Sequence[Operator], before: Placed, placed: Placed) -> str:
    """Why a step does not simply read what the one before writes, alone; empty where it does."""
    operator = placed[0]
    if operator is before[0]:
        return ""
    order = {id(one): place for place, one in enumerate(operators)}
    if order[id(operator)] < order[id(before[0])]:
        return f"{operator.name} runs before {before[0].name}; write a chain in the order in which its steps run"
    if operator.input and not _reads(placed, before):
        return f"{operator.name} does not read {before[0].name}"
    others = [one.name for one in operators if before[0].name in one.input and one is not operator]
    return f"{before[0].name} is read by {others[0]} too, so that it must be stored" if others else ""


def _other_rows(chain: Sequence[Placed], placed: Placed) -> str:
    """Whether a step's rows are others than those of the chain so far."""
    products, step, last = _products(chain), placed[1], chain[-1][1]
    writes = last.gemm.count * last.gemm.m * last.gemm.n if isinstance(last, MatmulStep) else last.work.writes
    if isinstance(step, MatmulStep):
        gemm = step.gemm
        if writes != gemm.count * gemm.m * gemm.k:
            return f"{step.name} reads {gemm.count} x {gemm.m} x {gemm.k} elements, {last.name} writes {writes}"
        if products and (gemm.count, gemm.m) != (products[0].gemm.count, products[0].gemm.m):
            one = products[0].gemm
            return f"{step.name} has {gemm.count} x {gemm.m} rows, {products[0].name} has {one.count} x {one.m}"
        return ""
    length = getattr(placed[0], "length", None)
    if step.work.reads < writes:
        return f"{step.name} reads {step.work.reads} elements, {last.name} writes {writes}"
    if products and placed[0].op in _ALONG_THE_ROW and length is not None and length != products[-1].gemm.n:
        return f"{step.name} has rows of {length} elements, {products[-1].name} writes rows of {products[-1].gemm.n}"
    return ""


def _reads(placed: Placed, before: Placed) -> bool:
    """Whether the graph says so: a step of the same operator, or an operator that names the other as its input."""
    return placed[0] is before[0] or before[0].name in placed[0].input
