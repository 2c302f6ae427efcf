"""Spans of tasks on several threads: each task once, counts added, errors told, the same bits."""

import threading

import numpy as np
import pytest

from hwsim import formats
from hwsim.kernels import threads
from hwsim.kernels.threads import SPANS_PER_THREAD, VECTOR_SPAN, over_threads


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    monkeypatch.setattr(threads, "_thread_count", lambda: 3)


@pytest.mark.parametrize("tasks", [1, 2, 11, 12, 13, 100])
@pytest.mark.parametrize("worth", [0, 1, 2, 5, 1000])
def test_spans_make_up_the_tasks(tasks, worth):
    done = np.zeros(tasks, int)
    spans = []

    def kernel(array, span):
        spans.append(span)
        array[span[0] : span[1]] += 1
        return span[1] - span[0]

    assert over_threads(kernel, tasks, worth, done) == tasks
    assert done.tolist() == [1] * tasks
    assert len(spans) == max(1, min(tasks, worth, 3 * SPANS_PER_THREAD))


def test_what_is_not_worth_it_runs_right_here():
    seen = []
    over_threads(lambda span: seen.append(threading.current_thread()) or 0, 100, 1)
    assert seen == [threading.current_thread()]


def test_an_error_in_a_span_is_raised():
    def kernel(span):
        if span[0] > 0:
            raise ValueError(f"span {span}")
        return 0

    with pytest.raises(ValueError, match="span"):
        over_threads(kernel, 100, 100)


@pytest.mark.parametrize("name", ["e4m3fn", "int8"])
def test_codes_are_those_of_one_thread(name, monkeypatch):
    fmt = formats.get(name)
    x = np.random.default_rng(0).standard_normal(4 * VECTOR_SPAN + 7).astype(np.float32) * 50
    x[::1001] = np.nan
    several = fmt.encode(x, nan="zero")
    monkeypatch.setattr(threads, "_thread_count", lambda: 1)
    assert np.array_equal(several, fmt.encode(x, nan="zero"))
