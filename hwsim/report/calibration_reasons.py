"""Why the model is further than 20 % from a published number; a test holds that no such row is without a reason."""

from __future__ import annotations

from fnmatch import fnmatchcase

_LIBRARY = (
    "synthesized for 1 ns: the same library's 2 ns adder has 0.086 pJ on 179 µm², its 6 ns multiplier 8.6 pJ on "
    "4595 µm² (Aladdin's power_func.h, read); what remains is a disagreement of the sources, of which the model "
    "follows Horowitz and Dally"
)
_SYNTHESIS = (
    "FreePDK45's cells are larger (NAND2 0.80 µm², recalled; here 0.55, a full adder over 7.8), and wide multipliers "
    "are sized for one cycle"
)

REASONS: dict[str, str] = {
    "arithmetic, 45 nm: fp*, area": (
        "held out: the gates that explain this unit's energy explain this much of its area; pipelining and sizing for "
        "speed are candidates, the source says neither, and nothing is charged for them"
    ),
    "Aladdin, 40 nm: int32 *": _LIBRARY,
    "Aladdin, 40 nm: comparator, 32 bits, energy": (
        "the NAND2 that prices a comparator is fitted to float units, whose gates switch more often than a comparator's"
    ),
    "Aladdin, 40 nm: counter, 32 bits, energy": (
        "a counter changes two of its bits per count on average; the register's price is for an access to all"
    ),
    "Aladdin, 40 nm: counter, 32 bits, area": (
        "counted as a register and half adders; what loads, enables and clears it is not in the count, nor is 1 ns"
    ),
    "hwcomponents-library, 45 nm: *": f"scaled from Aladdin at 40 nm: {_LIBRARY}",
    "hwcomponents-library, 7 nm: int8 multiply, area": (
        "scaled from Aladdin at 40 nm, as at 45 nm: a larger multiplier to begin with"
    ),
    "SRAM, 45 nm, 64-bit read: 8 KiB, energy": (
        "a round figure for a small cache; CACTI's point is used, which comes with other capacities and with area"
    ),
    "DRAM: LPDDR, *": "an older generation, which no standard here answers for; LPDDR4 stands for it",
    "DRAM: DDR3, *": (
        "an older generation, and 3.4 times what Horowitz and Jouppi have for DDR3/4: their figure is used"
    ),
    "DRAM: HBM4, *": "a newer generation, which no standard here answers for; HBM3 stands for it",
    "L-Mul, 45 nm: * L-Mul, area": (
        "counted as the adder of the fields and that of the offset; what flags zero and overflow is not in the count, "
        "and FreePDK45's cells are larger"
    ),
    "L-Mul, 45 nm: * multiplier, area": _SYNTHESIS,
    "L-Mul, 45 nm: * / multiplier, area": "what the two areas miss by does not cancel: see their own rows",
    "L-Mul, 45 nm: * / multiplier, power": (
        "the source's multipliers draw 3.0, 7.0 and 21 µW per µm² from FP8 to FP32, its L-Mul 1.0, 1.0 and 0.8: "
        "spurious transitions of unpipelined arrays; Horowitz's fp32 multiplier, which prices ours, draws less per "
        "area than his fp16 one"
    ),
    "L-Mul, 45 nm: * / multiplier, delay": (
        "the offset is counted as a second adder in series; merged into the first, as synthesis does with a constant, "
        "it would be half of this"
    ),
    "cells, 28 nm: NAND2, *": (
        "an absolute cell of one process against what the 45 nm tables come to at 28 nm, interpolated between nodes"
    ),
    "cells, 28 nm: flip-flop, energy": (
        "3 NAND2 of capacitance, switched once; the register of Aladdin's library, which is used, has its clock in it"
    ),
    "cells, 28 nm: flip-flop, area": "Aladdin's register scaled from 40 nm, against 6 NAND2 of another process",
    "whole runs: 1024³ on TPU-v4i, energy": (
        "the source's registers and widths of operands are not known here: with 16-bit operands compulsory traffic of "
        "DRAM alone is 0.354 mJ; and its on-chip memories are not all listed"
    ),
    "whole runs: ResNet-18 on tpu_like, energy": (
        "mapped for the fewest cycles first, 4 % below ZigZag's; from ZigZag's own accesses the energies agree "
        "(docs/zigzag.md)"
    ),
    "scaling from 45 nm: 7nm_scaled: *": (
        "the rule against the ratio of the two published tables; `7nm` uses the table, `7nm_scaled` the rule"
    ),
}
"""Pattern of a row's key to the reason."""


def reason(key: str) -> str:
    """The reason for the row called ``key``; empty where there is none."""
    return next((words for pattern, words in REASONS.items() if fnmatchcase(key, pattern)), "")
