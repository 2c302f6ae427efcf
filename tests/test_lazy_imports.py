"""Commands that compute nothing import nothing heavy."""

import subprocess
import sys

import pytest

import hwsim

HEAVY = ("numba", "pandas", "matplotlib", "scipy", "torch", "sklearn")
PROBE = f"""
import sys
from hwsim.cli import cli
try:
    cli(sys.argv[1:], prog_name="hwsim")
except SystemExit as end:
    assert not end.code, end.code
print(*sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)
"""


def heavy_modules(code, *arguments):
    """Which of `HEAVY` a fresh interpreter has imported in the end."""
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return done.stderr.split()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--help",), ("--version",), ("run", "--help"), ("schema",),
        ("check", "systolic_int8_ws_32x32", "digits_cnn", "systolic_shape"),
        ("list", "formats"), ("list", "units"), ("list", "archs"), ("list", "orders"),
        ("reproduce", "--help"), ("tradeoff", "--help"), ("check", "fill_sms_h100"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_command_starts_light(arguments):
    assert heavy_modules(PROBE, *arguments) == []


@pytest.mark.parametrize(
    "module",
    ["hwsim", "hwsim.formats", "hwsim.datapath", "hwsim.units", "hwsim.arch", "hwsim.workload", "hwsim.golden"],
)
def test_package_imports_light(module):
    code = f"import sys, {module}\nprint(*sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    assert heavy_modules(code) == []


def test_help_does_not_even_import_numpy():
    code = (
        "import sys\nfrom hwsim.cli import cli\n"
        "try: cli(['--help'])\nexcept SystemExit: pass\nprint('numpy' in sys.modules, file=sys.stderr)"
    )
    assert heavy_modules(code) == ["False"]


def test_public_names_are_there():
    for name in hwsim.__all__:
        assert getattr(hwsim, name) is not None
        assert name in dir(hwsim)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = hwsim.nonsense
