"""Waiting for what must come true, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

import psutil

PATIENCE_SECONDS = 45.0
PAUSE_SECONDS = 0.05

Found = TypeVar("Found")


def eventually(
    condition: Callable[[], Found], what: str = "", within: float = PATIENCE_SECONDS
) -> Found:
    """The first true value of `condition`; what it said last is told when it never was."""
    deadline = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {within:.0f} s: {what}, but {found!r}"
        time.sleep(PAUSE_SECONDS)
    return found


def has_ended(process: psutil.Process) -> bool:
    """An orphan that has ended is a zombie until whoever is process 1 asks after it."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
