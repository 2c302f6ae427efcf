"""What a network is good for: its task's metric, from its last outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from hwsim.base.record import Record


@dataclass(frozen=True)
class Score:
    """``right`` of ``total`` answers."""

    right: int
    total: int

    @property
    def value(self) -> float:
        """The share that is right, 0 to 1."""
        return self.right / self.total


class Accuracy(Record):
    """The share of images whose largest logit is the label's; a row of logits with a NaN is wrong."""

    kind: Literal["accuracy"] = "accuracy"
    logits: str
    """The operator whose output [N, classes] is judged."""

    def score(self, logits: np.ndarray, labels: np.ndarray) -> Score:
        """Count right answers: logits [N, classes], labels [N]."""
        right = (logits.argmax(axis=-1) == labels) & ~np.isnan(logits).any(axis=-1)
        return Score(int(right.sum()), len(labels))
