"""Reading the log files that supervisord writes and rotates."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from lab.stack.home import Home


def log_names(home: Home) -> list[str]:
    return sorted(file.stem for file in home.logs.glob("*.log"))


def log_file(home: Home, name: str) -> Path:
    return home.logs / f"{name}.log"


def last_lines(home: Home, name: str, count: int) -> list[str]:
    """Also from before the latest rotation, when the new file is still short."""
    lines: deque[str] = deque(maxlen=count)
    for file in (home.logs / f"{name}.log.1", log_file(home, name)):
        if file.is_file():
            with file.open(errors="replace") as text:
                lines.extend(line.rstrip("\n") for line in text)
    return list(lines)


class Follower:
    """New lines of one log since the last look; survives rotation, never returns half a line."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._open: TextIO | None = None
        self._half = ""
        if file.is_file():
            self._open = file.open(errors="replace")
            self._open.seek(0, os.SEEK_END)

    def new_lines(self) -> Iterator[str]:
        yield from self._read()
        if self._rotated():
            self._open = self._file.open(errors="replace")
            yield from self._read()

    def _read(self) -> Iterable[str]:
        if self._open is None:
            return []
        *whole, self._half = (self._half + self._open.read()).split("\n")
        return whole

    def _rotated(self) -> bool:
        if not self._file.is_file():
            return False
        if self._open is None:
            return True
        current = self._file.stat()
        return current.st_ino != os.fstat(self._open.fileno()).st_ino
