"""Kernels on several threads: each call works on a span of tasks and lets go of Python's lock meanwhile.

Numba's own ``parallel=True`` compiles four times as long (`fused`: 4.2 s against 0.9 s), cannot be interrupted, and
with its default threading layer must not be entered from two threads at once.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import Any

SCALAR_SPAN = 1 << 15
"""Additions that are worth a thread's attention (some 0.1 ms) where a kernel takes them one at a time."""
VECTOR_SPAN = 1 << 19
"""The same where a kernel takes several at once."""
SPANS_PER_THREAD = 4
"""So that a thread that is held up leaves its share to the others."""


def over_threads(kernel: Callable[..., Any], tasks: int, worth: int, *arguments: Any) -> int:
    """Σ of ``kernel(*arguments, (first, last))`` over spans that make up [0, tasks).

    There are at most ``worth`` spans; one, or one thread (`numba.set_num_threads`), is run right here. Kernels
    write only what belongs to their tasks and return counts, so nothing depends on the number of threads.
    """
    threads = _thread_count() if worth > 1 else 1
    spans = min(tasks, worth, SPANS_PER_THREAD * threads)
    if threads == 1 or spans <= 1:
        return int(kernel(*arguments, (0, tasks)))
    ends = [tasks * i // spans for i in range(spans + 1)]
    pool = _pool(os.getpid(), threads)
    running = [pool.submit(kernel, *arguments, span) for span in pairwise(ends)]
    try:
        return sum(int(future.result()) for future in running)
    finally:
        for future in running:  # after an interruption: those that have not begun
            future.cancel()


def _thread_count() -> int:
    from numba import get_num_threads

    return int(get_num_threads())


@lru_cache(maxsize=4)
def _pool(process: int, threads: int) -> ThreadPoolExecutor:
    """Threads of this process: those of a parent do not outlive a fork."""
    return ThreadPoolExecutor(threads, thread_name_prefix="hwsim")
