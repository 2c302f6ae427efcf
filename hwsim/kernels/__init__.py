"""Numba functions over arrays and integers: run-time parameters, no Python objects, no format names.

Numba's cache keys a function by its own file only, so a change in a callee of another file would leave
stale machine code behind (facts: numba documentation, *Caching limitations*). The cache folder is
therefore named by a hash of all kernel files; it is set before any kernel is compiled, also where numba
was imported first.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path


def _source_hash() -> str:
    digest = hashlib.sha256()
    for file in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


if "NUMBA_CACHE_DIR" not in os.environ:
    _home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    os.environ["NUMBA_CACHE_DIR"] = str(_home / "hwsim" / _source_hash())
    if "numba" in sys.modules:  # it has read its environment already
        sys.modules["numba"].config.CACHE_DIR = os.environ["NUMBA_CACHE_DIR"]
