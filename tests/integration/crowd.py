"""Many threads that do the same thing at the same moment."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

Answer = TypeVar("Answer")


def at_once(errands: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Their results, in their order; none begins before all are ready to."""
    ready = threading.Barrier(len(errands))

    def run(errand: Callable[[], Answer]) -> Answer:
        ready.wait()
        return errand()

    with ThreadPoolExecutor(len(errands)) as pool:
        return list(pool.map(run, errands))


@contextmanager
def meanwhile(errand: Callable[[], object], threads: int) -> Iterator[None]:
    """Each of the threads does its errand over and over while the block runs, and what went wrong
    in one of them surfaces at the end."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            errand()

    with ThreadPoolExecutor(threads) as pool:
        running = [pool.submit(run) for _ in range(threads)]
        try:
            yield
        finally:
            over.set()
        for each in running:
            each.result()
