"""Waiting for what must come true, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

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
