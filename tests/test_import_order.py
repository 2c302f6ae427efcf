"""Each package imports only from those above it in DESIGN.md's table; imports inside functions count."""

import ast
from pathlib import Path

import pytest

import hwsim

ORDER = (
    "base", "kernels", "formats", "technology", "memory", "datapath", "golden", "units", "arch", "workload", "mapping",
    "engine", "explore", "report", "cli",
)  # fmt: skip
"""From the ground up."""

EXCEPTIONS = {
    ("engine/result.py", "report"),  # Result.table() and .save(): a face that defers, not a dependency
}
FORBIDDEN = {("golden", "kernels")}
"""Allowed by the order, and yet wrong: the golden models call no kernel."""

ROOT = Path(hwsim.__file__).parent
FILES = sorted(path for path in ROOT.rglob("*.py") if "_data" not in path.parts)


def imported_packages(path):
    """Packages of hwsim that a file imports, by whatever spelling, with their lines; type checking apart."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for statement in node.body
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names if alias.name.split(".")[0] == "hwsim")
        elif isinstance(node, ast.ImportFrom) and node.level:
            yield "." * node.level, node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "hwsim":
            yield from ((f"hwsim.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("hwsim."):
            yield node.module, node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_point_upwards(path):
    relative = path.relative_to(ROOT)
    if len(relative.parts) == 1:
        return  # hwsim/__init__.py and __main__.py: the public face
    package = relative.parts[0]
    assert package in ORDER, f"{relative}: {package} has no place in the order"
    for module, line in imported_packages(path):
        assert not module.startswith("."), f"{relative}:{line}: relative import"
        parts = module.split(".")
        if len(parts) == 1 or parts[1].startswith("__"):
            continue  # hwsim itself: its version
        where = f"{relative}:{line}: {package} imports {module}"
        if (str(relative), parts[1]) in EXCEPTIONS:
            continue
        assert (package, parts[1]) not in FORBIDDEN, where
        assert ORDER.index(parts[1]) <= ORDER.index(package), where


def test_the_walk_sees_imports_inside_functions(tmp_path):
    file = tmp_path / "x.py"
    file.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from hwsim.cli import cli\n"
        "def f():\n    from hwsim.report import run_view\n    import hwsim.engine.result\n    from hwsim import arch\n"
    )
    assert [name for name, _ in imported_packages(file)] == ["hwsim.report", "hwsim.engine.result", "hwsim.arch"]
