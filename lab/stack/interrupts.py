"""Blocks that Ctrl-C and SIGTERM may not tear apart."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interrupts_held() -> Iterator[None]:
    """What arrives inside the block happens right after it.

    For the two moments at which an interrupt would leave a process nobody knows of: between
    fork and the note that we have a child, and while cleaning up. Handlers belong to the main
    thread; in any other there is nothing to hold.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    arrived: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        arrived.append(number)

    previous = {each: signal.signal(each, note) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in previous.items():
            signal.signal(each, handler)
    if arrived:
        raise KeyboardInterrupt
