"""Rounding a file larger than memory: seconds, and by how much the process grew meanwhile.

python benchmarks/format_files.py [GB of float32] [folder]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from hwsim.formats import get
from hwsim.formats.files import round_file


def main() -> None:
    """Make a (sparse) file, round it to e4m3fn codes, and say what that took."""
    gigabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
        source, target = Path(folder, "x.npy"), Path(folder, "codes.npy")
        mapped = np.lib.format.open_memmap(source, "w+", np.float32, (int(gigabytes * 1e9 / 4),))
        mapped[:: 1 << 16] = 1.1
        del mapped
        get("e4m3fn").encode(np.ones(4, np.float32))  # compiles
        before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
        round_file(source, target, "e4m3fn", give="codes")
        seconds = time.perf_counter() - start
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(f"{gigabytes:g} GB in {seconds:.1f} s; the peak of memory grew by {grown / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
