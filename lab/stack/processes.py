"""The processes of a stack, found by a mark in their environment, not by remembered ids.

Ids are reused and files go stale; the mark is inherited by everything a stack starts, so
that also orphans of a killed supervisor are found, and nobody else's process ever is.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence

import psutil

from lab.stack.home import Home

MARK = "BANDSTAND_STACK"
STOPS_WITHIN = 8.0


def marked_environment(home: Home) -> dict[str, str]:
    return {**os.environ, MARK: str(home.root)}


def belongs_to(home: Home, pid: int) -> bool:
    try:
        return _is_ours(home, psutil.Process(pid))
    except psutil.Error:
        return False


def is_dead(pid: int) -> bool:
    """Also when nobody has asked after it yet, neither its supervisor nor process 1."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def processes_of(home: Home) -> list[psutil.Process]:
    return [process for process in psutil.process_iter() if _is_ours(home, process)]


def end_all(home: Home) -> None:
    """Everything that belongs to the stack is asked to end, supervisors first so that they
    start nothing anew; then it is killed."""
    everything = processes_of(home)
    supervisors = [process for process in everything if _is_supervisor(process)]
    _terminate(supervisors)
    psutil.wait_procs(supervisors, timeout=STOPS_WITHIN)
    _kill([process for process in supervisors if process.is_running()])
    remaining = processes_of(home)
    _terminate(_without_children(remaining))
    _, stubborn = psutil.wait_procs(remaining, timeout=STOPS_WITHIN)
    _kill([*stubborn, *processes_of(home)])


def resident_bytes(pid: int, *, children: bool = True) -> int:
    """Memory of a process and its children; pages they share (PostgreSQL's) are counted once."""
    memory = list(_memory(pid, children))
    if not memory:
        return 0
    return sum(rss - shared for rss, shared in memory) + max(shared for _, shared in memory)


def _memory(pid: int, children: bool) -> Iterator[tuple[int, int]]:
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        for each in [process, *(process.children(recursive=True) if children else [])]:
            with contextlib.suppress(psutil.Error):
                info = each.memory_info()
                yield info.rss, getattr(info, "shared", 0)


def _is_ours(home: Home, process: psutil.Process) -> bool:
    """PostgreSQL's backends overwrite their environment, but never leave the data folder."""
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        if process.environ().get(MARK) == str(home.root):
            return process.pid != os.getpid()
        return process.name() == "postgres" and process.cwd().startswith(f"{home.postgres}/")
    except (psutil.Error, OSError):
        return False


def _is_supervisor(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return "supervisor.supervisord" in process.cmdline()
    return False


def _without_children(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """A parent stops its own children better than we could (PostgreSQL's above all)."""
    ids = {process.pid for process in processes}
    tops = []
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            if process.ppid() not in ids:
                tops.append(process)
    return tops


def _terminate(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()


def _kill(processes: Sequence[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=STOPS_WITHIN)
