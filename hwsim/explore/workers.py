"""Designs evaluated side by side by processes on this machine."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from hwsim.base.errors import HwsimError
from hwsim.explore.evaluate import Evaluate, Job, evaluate_job


def available_workers() -> int:
    """Processors that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def evaluated(jobs: Sequence[Job], evaluate: Evaluate, workers: int | None) -> Iterator[tuple[int, dict[str, Any]]]:
    """(index, what was found) of every job, as they finish; in order and in this process with one worker."""
    workers = min(available_workers() if workers is None else workers, len(jobs))
    if workers <= 1:
        for job in jobs:
            yield job.index, evaluate_job(evaluate, job)
        return
    yield from _by_processes(jobs, evaluate, workers)


def _by_processes(jobs: Sequence[Job], evaluate: Evaluate, workers: int) -> Iterator[tuple[int, dict[str, Any]]]:
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor, as_completed
    from concurrent.futures.process import BrokenProcessPool

    # Spawned, never forked: a forked copy of a threaded process (Numba, OpenMP) may hang.
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare)
    try:
        futures = {executor.submit(evaluate_job, evaluate, job): job.index for job in jobs}
        for future in as_completed(futures):
            yield futures.pop(future), future.result()
        executor.shutdown()
    except BrokenProcessPool:
        raise HwsimError(
            "a worker died (out of memory?); finished designs are kept: run the study again, with fewer --workers"
        ) from None
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


def _prepare() -> None:
    """In a worker: one thread, since the processes already fill the machine; and an end when the parent is gone."""
    for variable in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    # A killed parent closes no queue that its workers hold open themselves: they would wait for ever.
    import multiprocessing
    from multiprocessing.connection import wait

    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
