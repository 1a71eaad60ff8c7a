"""Memory of the stack's processes while it works."""

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psutil

from lab.measure.processes import Pids
from lab.soak.trend import ProcessTrend, by_process

MIB = 1024 * 1024


class Memory:
    """Each process with its children: what is theirs alone, since what PostgreSQL's processes
    share would be counted once for each of them."""

    def __init__(self, pids: Pids) -> None:
        self._pids = pids
        self._lives: dict[tuple[str, int], list[tuple[float, float]]] = {}

    def sample(self) -> None:
        for name, pid in self._pids().items():
            with contextlib.suppress(psutil.Error):
                point = time.monotonic(), _tree_mib(psutil.Process(pid))
                self._lives.setdefault((name, pid), []).append(point)

    def trends(self) -> list[ProcessTrend]:
        return by_process(self._lives)

    @contextmanager
    def sampled(self, every: float) -> Iterator[None]:
        over = threading.Event()
        sampler = threading.Thread(target=self._until, args=(over, every), daemon=True)
        sampler.start()
        try:
            yield
        finally:
            over.set()
            sampler.join()

    def _until(self, over: threading.Event, every: float) -> None:
        while not over.wait(every):
            with contextlib.suppress(OSError):
                self.sample()


def _tree_mib(process: psutil.Process) -> float:
    family = [process, *process.children(recursive=True)]
    return sum(_own_bytes(each) for each in family) / MIB


def _own_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_full_info().uss)
    return 0


def living(named: Mapping[str, int]) -> dict[str, int]:
    """Without those that are just being restarted."""
    return {name: pid for name, pid in named.items() if pid}
