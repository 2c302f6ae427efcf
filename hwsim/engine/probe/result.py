"""`ProbeReport`: what a unit's answers say of its arithmetic, each parameter with the answers that decide it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from hwsim.engine.probe.findings import Evidence, Finding

NOT_DISTINGUISHABLE = "not distinguishable"


@dataclass(frozen=True)
class Refuted:
    """A value of a parameter that the unit does not have: what it would have answered instead."""

    value: Any
    evidence: Evidence
    would_give: float


@dataclass(frozen=True)
class Parameter:
    """One inferred parameter."""

    name: str
    value: Any
    also: tuple[Any, ...] = ()
    """Other values that give every answer asked for as well."""
    refuted: tuple[Refuted, ...] = ()

    @property
    def text(self) -> str:
        """The value, or what it cannot be told from."""
        shown = _shown(self.value)
        if not self.also:
            return shown
        return f"{shown} ({NOT_DISTINGUISHABLE} from {_run(self.also)})"


@dataclass(frozen=True)
class ProbeReport:
    """What a probe inferred of a unit."""

    unit: str
    formats: dict[str, str]
    """a, b, c, d and, where there is one, scale."""
    kind: str
    """``fused``, ``exact``, ``tree``, ``FMA chain``, ``multiply-add chain``, ``integer`` or ``unexplained``."""
    parameters: tuple[Parameter, ...]
    findings: tuple[Finding, ...]
    datapath: dict[str, Any] | None
    """A datapath, as YAML has it, that gives every answer; None where none was found."""
    asked: int
    """Dot products asked, the fresh ones among them."""
    checked: int
    """Fresh dot products, drawn after the datapath was settled, that it was compared with."""
    differing: int
    """Those of them that it does not give."""

    def parameter(self, name: str) -> Parameter | None:
        """The parameter of that name, if the unit has it."""
        return next((each for each in self.parameters if each.name == name), None)

    def value(self, name: str) -> Any:
        """The value of a parameter; None where the unit has none of that name."""
        found = self.parameter(name)
        return found.value if found is not None else None

    @property
    def explained(self) -> bool:
        """Whether a datapath gives every answer, the fresh ones included."""
        return self.kind != "unexplained"

    @property
    def summary(self) -> str:
        """One line: the kind and the parameters that tell it from others."""
        if not self.explained:
            return "unexplained: no datapath that the probe knows gives these answers"
        words = [self.kind]
        for name, sign in (
            ("L", "L = "),
            ("F", "F = "),
            ("rounding", ""),
            ("significand bits", ""),
            ("c", "c "),
            ("bits", ""),
            ("overflow", ""),
        ):
            found = self.parameter(name)
            if found is None or (name == "F" and self.kind != "fused"):
                continue
            tail = " bits" if name.endswith("bits") else ""
            words.append(f"{sign}{_shown(found.value)}{tail}" + ("*" if found.also else ""))
        return ", ".join(words)

    def to_json(self) -> dict[str, Any]:
        """Plain data; codes are integers, and NaN and infinities are text."""
        plain: dict[str, Any] = _plain(dataclasses.asdict(self))
        return {**plain, "summary": self.summary}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124
        return str(value)
    return value


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


def _run(values: tuple[Any, ...]) -> str:
    """Values in a few words: runs of integers by their ends."""
    whole = sorted(v for v in values if isinstance(v, int))
    words = [_shown(v) for v in values if not isinstance(v, int)]
    while whole:
        last = next(i for i in range(len(whole)) if i + 1 == len(whole) or whole[i + 1] != whole[i] + 1)
        words.append(str(whole[0]) if last == 0 else f"{whole[0]} … {whole[last]}")
        whole = whole[last + 1 :]
    return ", ".join(words)
