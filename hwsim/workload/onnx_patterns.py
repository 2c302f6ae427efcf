"""Runs of ONNX nodes that are one function written out: layer normalization and GELU of opsets that had none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class _Nodes:
    """Who makes a value and who reads it."""

    def __init__(self, nodes: Sequence[Any], constants: set[str]) -> None:
        self.constants = constants
        self.makers = {name: node for node in nodes for name in node.output}
        self.readers: dict[str, list[Any]] = {}
        for node in nodes:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)

    def maker(self, name: str, *kinds: str) -> Any:
        """The node of one of these kinds that makes a value, or None."""
        node = self.makers.get(name)
        return node if node is not None and node.op_type in kinds else None

    def reader(self, node: Any, kind: str) -> Any:
        """The one node that reads what ``node`` makes, if it is of this kind, or None."""
        readers = self.readers.get(node.output[0], [])
        return readers[0] if len(readers) == 1 and readers[0].op_type == kind else None

    def other(self, node: Any, name: str) -> str:
        """The operand beside ``name``."""
        return str(node.input[1] if node.input[0] == name else node.input[0])

    def scaled(self, name: str) -> tuple[str, Any]:
        """x and the node, of x times or over a constant."""
        node = self.maker(name, "Mul", "Div")
        if node is None:
            return "", None
        constant = [one for one in node.input if one in self.constants]
        return (self.other(node, constant[0]), node) if len(constant) == 1 else ("", None)


def fused(onnx: Any, nodes: Sequence[Any], constants: set[str]) -> list[Any]:
    """``nodes`` with LayerNormalization and Gelu in place of what computes them step by step."""
    graph = _Nodes(nodes, constants)
    replaced: dict[int, Any] = {}
    dropped: set[int] = set()
    for node in nodes:
        found = (
            _layer_norm(graph, node) if node.op_type == "Div" else _gelu(graph, node) if node.op_type == "Erf" else None
        )
        if found is None:
            continue
        kind, inputs, steps = found
        last = steps[-1]
        dropped |= {id(step) for step in steps}
        replaced[id(last)] = onnx.helper.make_node(kind, inputs, list(last.output), name=last.name)
    return [replaced.get(id(node), node) for node in nodes if id(node) in replaced or id(node) not in dropped]


def _layer_norm(graph: _Nodes, divide: Any) -> tuple[str, list[str], list[Any]] | None:
    """(x - mean x) / sqrt(mean (x - mean x)^2 + eps) * weight + bias."""
    centre = graph.maker(divide.input[0], "Sub")
    root = graph.maker(divide.input[1], "Sqrt")
    shifted = root and graph.maker(root.input[0], "Add")
    epsilon = [one for one in shifted.input if one in graph.constants] if shifted else []
    variance = graph.maker(graph.other(shifted, epsilon[0]), "ReduceMean") if epsilon else None
    square = variance and graph.maker(variance.input[0], "Pow", "Mul")
    mean = centre and graph.maker(centre.input[1], "ReduceMean")
    if not square or not mean or square.input[0] != centre.output[0] or mean.input[0] != centre.input[0]:
        return None
    steps = [mean, centre, square, variance, shifted, root, divide]
    scale = graph.reader(divide, "Mul")
    weight = graph.other(scale, divide.output[0]) if scale else ""
    if weight not in graph.constants:
        return None
    steps.append(scale)
    inputs = [centre.input[0], weight]
    shift = graph.reader(scale, "Add")
    if shift and graph.other(shift, scale.output[0]) in graph.constants:
        steps.append(shift)
        inputs.append(graph.other(shift, scale.output[0]))
    return "LayerNormalization", inputs, steps


def _gelu(graph: _Nodes, erf: Any) -> tuple[str, list[str], list[Any]] | None:
    """x * (1 + erf(x / sqrt 2)) * 0.5, in the two orders of the products."""
    x, inside = graph.scaled(erf.input[0])
    plus = graph.reader(erf, "Add")
    times = plus and graph.reader(plus, "Mul")
    if not inside or not times:
        return None
    beside = graph.other(times, plus.output[0])
    if beside == x:
        half = graph.reader(times, "Mul")
        return ("Gelu", [x], [inside, erf, plus, times, half]) if half else None
    of, half = graph.scaled(beside)
    return ("Gelu", [x], [inside, erf, plus, half, times]) if of == x else None
