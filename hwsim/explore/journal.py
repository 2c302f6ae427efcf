"""What an interrupted study has already found: one line per finished design, on disk before the next begins."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from hwsim.base.errors import HwsimError, InputError


class Journal:
    """The file ``<folder>/journal.jsonl``: a header with the study's key, then ``{"index": …, …}`` per design.

    A line is written whole, then synced. A line torn by a crash, which can only be the last, is cut off on opening.
    While open, the file is locked: a second process on the same study is refused.
    """

    def __init__(self, folder: Path, key: str, name: str, restart: bool = False) -> None:
        self.folder = folder
        self.finished: dict[int, dict[str, Any]] = {}
        """Index of the design to what was found."""
        folder.mkdir(parents=True, exist_ok=True)
        self._file = os.open(folder / "journal.jsonl", os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        try:
            self._lock(name)
            if restart:
                os.ftruncate(self._file, 0)
            self._read(key, name)
        except BaseException:
            os.close(self._file)
            raise

    def append(self, index: int, found: Mapping[str, Any]) -> dict[str, Any]:
        """Store what was found for a design; returns it as it will be read back."""
        line = self._write({"index": index, **found})
        kept: dict[str, Any] = json.loads(line)
        self.finished[index] = kept
        return kept

    def discard(self) -> None:
        """Remove the journal: its results are where they belong."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def close(self) -> None:
        """Release the lock."""
        os.close(self._file)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _lock(self, name: str) -> None:
        try:
            import fcntl
        except ImportError:  # not on Windows
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise HwsimError(f"{self.folder}: another process is working on study '{name}'") from None

    def _read(self, key: str, name: str) -> None:
        content = os.pread(self._file, os.fstat(self._file).st_size, 0)
        whole = content[: content.rfind(b"\n") + 1]
        os.ftruncate(self._file, len(whole))
        lines = whole.splitlines()
        if not lines:
            self._write({"study": name, "key": key})
            return
        for number, line in enumerate(lines, start=1):
            entry = self._parse(line, number)
            if number == 1:
                self._check(entry, key)
            else:
                self.finished.setdefault(entry["index"], entry)

    def _parse(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            entry = json.loads(line)
            if not isinstance(entry, dict) or ("key" if number == 1 else "index") not in entry:
                raise ValueError
        except ValueError:
            path = self.folder / "journal.jsonl"
            raise InputError(f"{path}:{number}: damaged; start the study over with --restart") from None
        return entry

    def _check(self, header: Mapping[str, Any], key: str) -> None:
        if header["key"] != key:
            raise InputError(
                f"{self.folder}: begun with another version of the study, its files or hwsim; start over with --restart"
            )

    def _write(self, entry: Mapping[str, Any]) -> str:
        line = json.dumps(entry, ensure_ascii=False)
        os.write(self._file, line.encode() + b"\n")  # one write: a crash tears at most this line
        os.fsync(self._file)
        return line
