"""Builds carry the shipped YAML, tensors and schemas as ``hwsim/_data``; everything else is in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

DATA_FOLDERS = ("arch_configs", "workloads", "studies")
SUFFIXES = (".yaml", ".csv", ".json", ".npz", ".npy", ".safetensors", ".onnx")


class BuildWithData(build_py):
    """Copies the top-level data folders; an editable install finds them in the checkout instead."""

    def run(self) -> None:
        super().run()
        if not self.editable_mode:
            for source, target in self._data():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        data = [] if self.editable_mode else [str(target) for _, target in self._data()]
        return [*super().get_outputs(include_bytecode), *data]

    def _data(self) -> list[tuple[Path, Path]]:
        files = [path for folder in DATA_FOLDERS for path in sorted(Path(folder).rglob("*")) if path.suffix in SUFFIXES]
        return [(path, Path(self.build_lib, "hwsim", "_data", path)) for path in files]


setup(cmdclass={"build_py": BuildWithData})
