"""Waiting for what must come true, never for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

import httpx

PATIENCE_SECONDS = 120.0
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


def a_client(url: str) -> httpx.Client:
    """As patient as everybody here: httpx alone gives up on a machine that pauses for 5 s."""
    return httpx.Client(base_url=url, trust_env=False, timeout=PATIENCE_SECONDS)
