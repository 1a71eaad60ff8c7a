"""One service as a process of its own, to be stopped, killed and started again by tests."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import msgspec

from lab.stack.ports import LOOPBACK, Ports
from services.kit.connection import connect
from services.kit.fault_store import write_catalogue
from services.kit.faults import Catalogue
from tests.integration.waiting import a_client, eventually
from tests.integration.world import SCHEMAS

TOKEN = "a-token-for-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
SESSION_TIMEOUT_SECONDS = 6
PORTS = Ports()


class ServiceProcess:
    """The same port and instance at each start, as under a supervisor."""

    def __init__(
        self, name: str, database_url: str, bootstrap: str, logs: Path, replica: int, **more: str
    ) -> None:
        self.name, self.instance = name, f"{name}-{replica}"
        self.port = PORTS.take()
        self._database_url = database_url
        self._log = logs / f"{self.instance}.log"
        self._environment = {
            "BANDSTAND_DATABASE_URL": database_url,
            "BANDSTAND_KAFKA": bootstrap,
            "BANDSTAND_PORT": str(self.port),
            "BANDSTAND_INSTANCE": self.instance,
            "BANDSTAND_TOKEN": TOKEN,
            "BANDSTAND_SESSION_TIMEOUT_SECONDS": str(SESSION_TIMEOUT_SECONDS),
            **{f"BANDSTAND_{name.upper()}": value for name, value in more.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.http = a_client(f"http://{LOOPBACK}:{self.port}")

    def start(self) -> Self:
        self.launch()
        eventually(self.is_ready, f"{self.instance} is ready, see {self._log}")
        return self

    def launch(self, command: Sequence[str] = ()) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                command or [sys.executable, "-m", "services", self.name],
                env={**os.environ, **self._environment},
                stdout=log,
                stderr=log,
            )

    def is_ready(self) -> bool:
        assert self.exit_code is None, self._log.read_text()[-2_000:]
        try:
            return self.http.get("/readyz", timeout=5).is_success
        except httpx.HTTPError:
            return False

    @property
    def exit_code(self) -> int | None:
        """None while it runs; negative when a signal ended it."""
        assert self._process is not None
        return self._process.poll()

    def stop(self) -> float:
        """By SIGTERM; the seconds it took."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=30)
        return time.monotonic() - began

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def await_its_own_end(self) -> int:
        """A crash by fault: the process kills itself."""
        eventually(lambda: self.exit_code is not None, f"{self.instance} ends")
        assert self.exit_code is not None
        return self.exit_code

    def put_faults(self, catalogue: Catalogue) -> None:
        """In force once this returns."""
        answer = self.http.put("/faults", json=msgspec.to_builtins(catalogue), headers=BEARER)
        answer.raise_for_status()

    def find_at_start(self, catalogue: Catalogue) -> None:
        """Faults for a process that is not there to be told."""
        with connect(self._database_url, SCHEMAS[self.name], "test") as connection:
            write_catalogue(connection, catalogue)

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a counter's series that have these labels."""
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        lines = self.http.get("/metrics").text.splitlines()
        return sum(
            float(line.split()[-1] if "#" not in line else line.split(" # ")[0].split()[-1])
            for line in lines
            if line.startswith((f"{name}{{", f"{name} ")) and all(each in line for each in wanted)
        )

    def close(self) -> None:
        self.http.close()
        if self._process is not None and self._process.poll() is None:
            self.kill()


@contextmanager
def processes(database_url: str, bootstrap: str, logs: Path) -> Iterator[Any]:
    """Makes service processes and sees to it that none outlives the test."""
    with ExitStack() as made:

        def make(name: str, replica: int = 0, **more: str) -> ServiceProcess:
            process = ServiceProcess(name, database_url, bootstrap, logs, replica, **more)
            made.callback(process.close)
            return process

        yield make


@contextmanager
def paused(*processes: int) -> Iterator[None]:
    """Alive and silent, as behind a network that has failed. A pid of 0 would be ourselves."""
    assert all(processes)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
