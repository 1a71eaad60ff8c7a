"""Containers as supervised processes: `docker run` in the foreground passes signals on."""

import contextlib
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.stack.home import Home
from lab.stack.ports import LOOPBACK
from lab.stack.progress import Progress
from lab.stack.tools import ToolError, run_tool

ANSWERS_WITHIN = 5.0


def engine_answers(docker: Path | None) -> bool:
    """The command alone is not enough: it is often installed where no engine runs."""
    if docker is None:
        return False
    try:
        result = subprocess.run(  # noqa: S603 - found on PATH
            [docker, "info"], capture_output=True, timeout=ANSWERS_WITHIN, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return result.returncode == 0


def container(home: Home, name: str) -> str:
    """Also the name of its volume."""
    return f"bandstand-{home.identity}-{name}"


def pull(home: Home, image: str, progress: Progress) -> None:
    """Before anything waits for the container; a download has no place in a start's time."""
    with contextlib.suppress(ToolError):
        run_tool(home, ["docker", "image", "inspect", image])
        return
    progress.say(f"pulling {image}, once")
    run_tool(home, ["docker", "pull", image])


def run_command(
    home: Home,
    name: str,
    image: str,
    *,
    port: int,
    volume_at: str,
    environment: Mapping[str, str],
    arguments: Sequence[str] = (),
) -> list[str]:
    """A container survives the death of its `docker run`, so the next one removes it first."""
    called = container(home, name)
    publish = f"{LOOPBACK}:{port}:{port}"
    command = ["docker", "run", "--rm", "--init", "--name", called, "--publish", publish]
    command += ["--volume", f"{called}:{volume_at}"]
    for variable, value in environment.items():
        command += ["--env", f"{variable}={value}"]
    command += [image, *arguments]
    script = f"docker rm --force {called} >/dev/null 2>&1; exec {shlex.join(command)}"
    return ["/bin/sh", "-c", script]


def remove(home: Home, name: str, *, data: bool) -> None:
    """After everything else has ended: a container whose `docker run` was killed, and its data."""
    called = container(home, name)
    _docker("rm", "--force", called)
    if data:
        _docker("volume", "rm", "--force", called)


def _docker(*arguments: str) -> None:
    subprocess.run(  # noqa: S603
        ["docker", *arguments],  # noqa: S607 - whichever is on PATH, as in `run_command`
        capture_output=True,
        check=False,
    )
