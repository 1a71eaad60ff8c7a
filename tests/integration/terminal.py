"""A command in another terminal: a session of its own, where Ctrl-C reaches the whole group."""

import os
import signal
import subprocess
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import psutil
import pytest

from lab.stack.home import Home

Terminal = subprocess.Popen[str]
SILENCE_SECONDS = 300


@contextmanager
def in_terminal(home: Home, *command: object, **environment: str) -> Iterator[Terminal]:
    """Killed, if it is still there at the end; all that it says is on `stdout`."""
    process = subprocess.Popen(
        [str(word) for word in command],
        env={**os.environ, "BANDSTAND_HOME": str(home.root), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def until(process: Terminal, words: str) -> None:
    """Reads on until they are said. It is killed when it says nothing of the kind for minutes."""
    assert process.stdout is not None
    watchdog = threading.Timer(SILENCE_SECONDS, process.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        _read_until(process.stdout, words)
    finally:
        watchdog.cancel()


def _read_until(stdout: Iterable[str], words: str) -> None:
    said = []
    for line in stdout:
        said.append(line)
        if words in line:
            return
    pytest.fail(f"it ended without saying {words!r}: {''.join(said)}")


def press_ctrl_c(process: Terminal) -> None:
    os.killpg(process.pid, signal.SIGINT)


def left_of(home: Home, process: Terminal) -> list[psutil.Process]:
    """Who still runs that the command started, by its environment, its folder or its group: not
    as `lab.stack.processes` looks for them, which is what is being tested."""
    return [each for each in psutil.process_iter() if _stems_from(each, home, process.pid)]


def _stems_from(process: psutil.Process, home: Home, group: int) -> bool:
    try:
        if process.status() == psutil.STATUS_ZOMBIE:
            return False
        return (
            os.getpgid(process.pid) == group
            or process.environ().get("BANDSTAND_HOME") == str(home.root)
            or process.cwd().startswith(str(home.root))
        )
    except (psutil.Error, OSError):
        return False
