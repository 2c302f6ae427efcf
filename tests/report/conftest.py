"""Made-up runs, one, several, and one of a deep network."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from synthetic import make_long_result, make_result, make_results

from hwsim.engine.result import Result


@pytest.fixture
def result() -> Result:
    return make_result()


@pytest.fixture
def results() -> list[Result]:
    return make_results()


@pytest.fixture
def long_result() -> Result:
    return make_long_result()
