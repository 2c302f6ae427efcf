"""How operators are mapped: what is best, over which tiles, and what neighbours hide."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hwsim.base.quantities import Fraction01
from hwsim.base.record import Record


class MappingRules(Record):
    """``{objective: cycles, tiles: auto, ends: exposed}``: see ``docs/mapping.md``."""

    objective: Literal["cycles", "energy", "edp", "traffic"] = "cycles"
    """What the best mapping has least of; ties go to less energy (of cycles) or fewer cycles."""
    slack: Fraction01 = 0.0
    """Share of the fewest cycles that may be spent to draw less energy: of the mappings of at most so many cycles more
    the one of the least. For the objective cycles, where a few cycles can cost much energy."""
    tiles: Literal["auto", "all", "parts"] = "auto"
    """All tile sizes, powers of two and 1/1 … 1/8 of each extent, or whichever is few enough to search."""
    overlap: Literal["steps", "ideal"] = "steps"
    """What runs beside the work: what double buffers allow, tile by tile, or any transfer (as in models that take
    the largest of all resources' times)."""
    ends: Literal["exposed", "hidden"] = "exposed"
    """Whether an operator waits for its first load and last store, or its neighbours' work hides them."""
    fuse: Literal["off", "auto"] = "off"
    """Whether chains of operators that work row by row are fused where the objective gains (``auto``); chains that
    a workload names under ``fuse`` always are."""
    effort: int = Field(default=40_000_000, ge=1)
    """Partial mappings that a search may look at before it stops and says what it knows."""
