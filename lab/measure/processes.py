"""CPU time of the stack's processes, each with its children, across restarts.

A process's time is its own plus that of its living and its reaped children. Of one that has
ended the last sample stands, so that a total never falls.
"""

import contextlib
from collections.abc import Mapping
from typing import Protocol

import psutil

Seconds = Mapping[tuple[str, int | str], float]


class Pids(Protocol):
    """Which process runs under which name just now."""

    def __call__(self) -> Mapping[str, int]: ...


class Spent:
    """CPU seconds by name since the first sample."""

    def __init__(self) -> None:
        self._base: dict[tuple[str, int | str], float] = {}
        self._last: dict[tuple[str, int | str], float] = {}
        self._begun = False

    def sample(self, seconds: Seconds) -> None:
        """By name and what tells it from others of that name; a process that shows up later began
        at nought."""
        for process, value in seconds.items():
            self._base.setdefault(process, 0.0 if self._begun else value)
            self._last[process] = max(value, self._last.get(process, 0.0))
        self._begun = True

    def by_name(self) -> dict[str, float]:
        totals: dict[str, float] = {}
        for process, last in self._last.items():
            totals[process[0]] = totals.get(process[0], 0.0) + last - self._base[process]
        return totals


def cpu_seconds(pids: Mapping[str, int]) -> Seconds:
    found: dict[tuple[str, int | str], float] = {}
    for name, pid in pids.items():
        with contextlib.suppress(psutil.Error):
            found[name, pid] = _tree_seconds(psutil.Process(pid))
    return found


def _tree_seconds(process: psutil.Process) -> float:
    children = process.children(recursive=True)
    return _seconds(process) + sum(_seconds_if_alive(child) for child in children)


def _seconds_if_alive(process: psutil.Process) -> float:
    with contextlib.suppress(psutil.Error):
        return _seconds(process)
    return 0.0


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system + times.children_user + times.children_system)
