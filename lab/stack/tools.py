"""External programs that prepare something (mvn, initdb, ...) and must not outlive us."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from lab.errors import BandstandError
from lab.stack.home import Home
from lab.stack.interrupts import interrupts_held
from lab.stack.processes import marked_environment

PATIENCE = 3.0


class ToolError(BandstandError):
    """A program we needed failed; its last words are in the message."""


class Identity(TypedDict, total=False):
    user: str
    group: int
    extra_groups: list[int]


def run_tool(
    home: Home,
    command: Sequence[str | Path],
    *,
    user: str | None = None,
    stdin: str = "",
    cwd: Path | None = None,
) -> str:
    """Runs it in a session of its own, so that whatever ends us ends all of it, and only once."""
    child: subprocess.Popen[str] | None = None
    try:
        with interrupts_held():
            child = start_tool(home, command, user=user, cwd=cwd)
        output, _ = child.communicate(stdin)
    except BaseException:
        if child is not None:
            with interrupts_held():
                end_tool(child)
        raise
    if child.returncode != 0:
        raise ToolError(f"{Path(command[0]).name} failed: {last_words(output)}")
    return output


def start_tool(
    home: Home, command: Sequence[str | Path], *, user: str | None = None, cwd: Path | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(  # noqa: S603 - our own command lines
        [str(word) for word in command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=marked_environment(home),
        start_new_session=True,
        cwd=cwd or "/",
        **identity(user),
    )


def end_tool(child: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        if child.poll() is None:
            os.killpg(child.pid, number)
            try:
                child.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                continue


def identity(user: str | None) -> Identity:
    """What makes `subprocess` run as `user`, and as nothing else besides."""
    if user is None:
        return {}
    return {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def last_words(output: str) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return " | ".join(lines[-3:]) or "it said nothing"


def which(program: str) -> Path | None:
    found = shutil.which(program)
    return Path(found) if found else None
