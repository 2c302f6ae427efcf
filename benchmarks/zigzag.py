"""ResNet-18 on ZigZag's tpu_like accelerator: its counts, hwsim's of the same loop nest, hwsim's own best mapping.

A row a layer: ZigZag's cycles and energy; hwsim's cycles (any transfer beside any work, and tile by tile) and energy of
the listed loop nest, where that is in hwsim's map space; the same of the best mapping, and of that of the least energy
within ZigZag's cycles. Printed for ``docs/zigzag.md``.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

from hwsim.arch import Architecture
from hwsim.mapping import Mapping, map_gemm
from hwsim.mapping.problem import Beside

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "mapping"))
from zigzag_cases import layers, listed, product


def main() -> None:
    chip = Architecture.load("zigzag_tpu_like")
    prices = {name: (c.read_j_per_byte / 8, c.write_j_per_byte / 8) for name, c in chip.prices.memories.items()}

    def found(row: dict[str, str], fixed: dict[str, Any], ideal: bool, cycles: int = 0) -> Mapping:
        """The fewest cycles, then energy; or the least energy within ``cycles``."""
        gemm, window = product(row)
        return map_gemm(
            gemm, chip.compute, chip.memories, chip.clock_hz, (1, 1, 1), 2, window=window, energies=prices,
            fixed=fixed, ideal=ideal, beside=Beside(within_cycles=cycles),
        )  # fmt: skip

    def microjoules(mapping: Mapping) -> float:
        return 1e6 * sum(bits * prices[name][way == "write"] for (name, _, way), bits in mapping.bits.items())

    rows = list(layers().values())
    print("| layer | ZigZag cycles | µJ | listed nest: ideal | steps | µJ | best: ideal | µJ | within ZigZag's | µJ |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for row in rows:
        nest = listed(row)
        parts = row["layer"].strip("/").split("/")[:-1]
        cells = [".".join(parts[1:]) or parts[0], f"{float(row['cycles_total']):,.0f}"]
        cells += [f"{float(row['energy_mem_pJ']) / 1e6:.1f}"]
        if nest is None:
            cells += ["–", "–", "–"]
        else:
            ideal = found(row, nest, True)
            cells += [f"{ideal.cycles:,}", f"{found(row, nest, False).cycles:,}", f"{microjoules(ideal):.1f}"]
        best = found(row, {}, True)
        frugal = found(row, {}, True, int(float(row["cycles_total"])))
        cells += [text for one in (best, frugal) for text in (f"{one.cycles:,}", f"{microjoules(one):.1f}")]
        print("| " + " | ".join(cells) + " |")
    start = time.perf_counter()
    for row in rows:
        found(row, {}, True)
    print(
        f"\nbest mappings of all {len(rows)} layers, one after the other: {1e3 * (time.perf_counter() - start):.0f} ms"
    )


if __name__ == "__main__":
    main()
