"""A saga-tracker beside a running stack, for as long as it is wanted."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from lab.errors import NotReadyError
from lab.stack.home import Home
from lab.stack.options import TRACKER
from lab.stack.ports import LOOPBACK, Ports
from lab.stack.processes import marked_environment
from lab.stack.ready import service_problem
from lab.stack.services import STOP_SECONDS, Environment
from lab.stack.state import Stack
from lab.stack.supervisor import processes

PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.1


@contextmanager
def tracker(stack: Stack) -> Iterator[tuple[str, int]]:
    """Its URL and its process: the stack's own if it has one. `bandstand down` ends it too, should
    this process be killed."""
    if running := stack.services.get(TRACKER):
        name = running.instances[0].name
        pids = {each.name: each.pid for each in processes(Home(Path(stack.home)))}
        yield running.url, pids[name]
        return
    port = Ports().take()
    url = f"http://{LOOPBACK}:{port}"
    process = _start(stack, port)
    try:
        _await(process, url)
        yield url, process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _start(stack: Stack, port: int) -> subprocess.Popen[bytes]:
    home = Home(Path(stack.home))
    shared = Environment(stack.postgres.url, stack.kafka.bootstrap, stack.token, stack.seed)
    own = {"BANDSTAND_PORT": str(port), "BANDSTAND_INSTANCE": f"{TRACKER}-0"}
    with (home.logs / f"{TRACKER}-0.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own command line
            [sys.executable, "-m", "services", TRACKER],
            env={**marked_environment(home), **shared.variables(), **own},
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
            cwd="/",
        )


def _await(process: subprocess.Popen[bytes], url: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    with httpx.Client(trust_env=False) as client:
        while problem := service_problem(client, url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotReadyError(f"{TRACKER}: {problem}; see `bandstand logs`")
            time.sleep(PAUSE_SECONDS)
