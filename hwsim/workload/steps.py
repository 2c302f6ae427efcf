"""What an operator asks of hardware: plain records of matrix products and vector work, without numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hwsim.units.base import Gemm, VectorWork, Window, Windows
from hwsim.workload.backend import Activation, OperandRole

Feeds = Literal["readers", "product", "vector"]
"""What reads a step's result: whatever reads the operator's output, or the operator's own next step."""


@dataclass(frozen=True)
class MatmulStep:
    """One row of a result: ``gemm.count`` products of one shape, bias and activation attached."""

    name: str
    """Equal to the ``name`` of the backend call that computes it."""
    op: str
    """The operator's ``op``."""
    gemm: Gemm
    b_role: OperandRole = "weight"
    bias: bool = False
    activation: Activation | None = None
    epilogue: VectorWork | None = None
    """Vector work of bias and activation, for hardware that does it outside the matrix unit."""
    a_elements: int = 0
    """Distinct elements behind operand a of all products: below count·m·k where im2col repeats them."""
    feeds: Feeds = "readers"
    window: Window | None = None
    """The convolution that the product unfolds, of one group."""

    @property
    def windows(self) -> Windows | None:
        """Where operand a comes from in a convolution (of one image and one group)."""
        return None if self.window is None else self.window.windows

    @property
    def macs(self) -> int:
        return self.gemm.macs


@dataclass(frozen=True)
class VectorStep:
    """One row of a result: elementwise, reducing or row-wise work."""

    name: str
    op: str
    """The vector function (for an operator with several steps, the step's own)."""
    work: VectorWork
    feeds: Feeds = "readers"

    @property
    def macs(self) -> int:
        return 0


Step = MatmulStep | VectorStep
