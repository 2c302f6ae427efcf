"""The order of operators: every input names the workload's input or an earlier operator."""

from __future__ import annotations

from collections.abc import Sequence

from hwsim.base.errors import did_you_mean
from hwsim.workload.errors import Misfit, Misplaced
from hwsim.workload.operator import Operator
from hwsim.workload.tensors import Shape, Tensors


def check_order(operators: Sequence[Operator], source: str | None) -> None:
    """Raises `Misplaced` for a name used twice, an unknown input, a cycle or a forward reference."""
    positions: dict[str, int] = {}
    for index, operator in enumerate(operators):
        if operator.name in positions or operator.name == source:
            owner = f"operators[{positions[operator.name]}]" if operator.name in positions else "the input data"
            raise Misplaced(("operators", index, "name"), f"'{operator.name}' is the name of {owner} already")
        positions[operator.name] = index
    for index, operator in enumerate(operators):
        for name in operator.input:
            if name != source and positions.get(name, index) >= index:
                raise Misplaced(("operators", index, "input"), _reason(operators, positions, source, index, name))


def _reason(operators: Sequence[Operator], positions: dict[str, int], source: str | None, index: int, name: str) -> str:
    if name not in positions:
        known = [*positions] + ([source] if source else [])
        return f"no operator or input data is called '{name}'{did_you_mean(name, known)}"
    cycle = _path(operators, positions, name, operators[index].name)
    if cycle:
        return f"a cycle: {' <- '.join([operators[index].name, *cycle])}"
    return f"'{name}' comes later (operators[{positions[name]}]); an operator reads earlier ones only"


def _path(operators: Sequence[Operator], positions: dict[str, int], start: str, goal: str) -> list[str]:
    """Names from ``start`` to ``goal`` along inputs, both included; empty if there is no way."""
    seen: set[str] = set()
    stack = [[start]]
    while stack:
        path = stack.pop()
        if path[-1] == goal:
            return path
        if path[-1] in positions and path[-1] not in seen:
            seen.add(path[-1])
            stack.extend([*path, name] for name in operators[positions[path[-1]]].input)
    return []


def infer_shapes(operators: Sequence[Operator], tensors: Tensors, sources: dict[str, Shape]) -> dict[str, Shape]:
    """The shape of every output, in order, with the sources' first. Raises `Misplaced` where one does not fit."""
    shapes = dict(sources)
    for index, operator in enumerate(operators):
        try:
            operator.check_inputs()
            shapes[operator.name] = operator.infer([shapes[name] for name in operator.input], tensors)
        except Misfit as error:
            place = ("operators", index) if error.field is None else ("operators", index, error.field)
            raise Misplaced(place, str(error)) from None
    return shapes


def read_names(operators: Sequence[Operator]) -> frozenset[str]:
    """Names that some operator reads."""
    return frozenset(name for operator in operators for name in operator.input)
