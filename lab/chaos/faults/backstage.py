"""What goes on behind the scene: processes are killed, paused, replaced and joined by others."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx
import psutil

from lab.chaos.watch import Watch, until
from lab.errors import BandstandError
from lab.stack.interrupts import interrupts_held
from lab.stack.ports import LOOPBACK, Ports
from lab.stack.ready import service_problem
from lab.stack.state import Instance
from lab.stack.supervisor import start_service, stop_service

READY_SECONDS = 60.0
STOP_SECONDS = 15.0
ENDS_SECONDS = 10.0

Model = tuple[list[str], dict[str, str]]


class Understudy:
    """A process of a service that is no part of the stack, in the environment of one that is. It
    carries the stack's mark, so that `bandstand down` ends it, should its owner be killed."""

    def __init__(self, instance: Instance, process: subprocess.Popen[bytes]) -> None:
        self.instance = instance
        self.pid = process.pid
        self._process = process

    def problem(self) -> str | None:
        with httpx.Client(trust_env=False) as client:
            return service_problem(client, self.instance.url)

    def misses_broker(self) -> bool:
        """By its own word."""
        with httpx.Client(trust_env=False) as client:
            standing = client.get(f"{self.instance.url}/readyz").json()
        return bool(standing.get("broker") != "ok")

    def await_ready(self) -> None:
        if not until(lambda: self.problem() is None, READY_SECONDS):
            raise BandstandError(f"{self.instance.name} is not ready: {self.problem()}")

    def end(self) -> None:
        """By request, as long as it obeys; also if it is paused."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGCONT)
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Backstage:
    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.stage = watch.stage
        self._home = watch.home
        self._models: dict[str, Model] = {}

    def first(self, service: str) -> Instance:
        return self.stage.stack.services[service].instances[0]

    def kill(self, name: str) -> bool:
        """With all its children, by SIGKILL; True once it has been started anew."""
        before = self.watch.running(name)
        top = psutil.Process(before.pid)
        for each in (top, *top.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                each.kill()
        return until(lambda: self.watch.process(name).restarts > before.restarts, ENDS_SECONDS)

    @contextmanager
    def paused(self, pid: int) -> Iterator[None]:
        """Alive and silent."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    @contextmanager
    def joined_by(self, service: str, replica: int, **settings: object) -> Iterator[Understudy]:
        """Another replica beside the stack's own, ready when the block begins."""
        port = Ports().take()
        name = f"{service}-{replica}"
        instance = Instance(name, f"http://{LOOPBACK}:{port}", port)
        with self._understudy(self._model(service), instance, settings) as understudy:
            understudy.await_ready()
            yield understudy

    @contextmanager
    def replaced(self, service: str, **settings: object) -> Iterator[Understudy]:
        """The stack's own steps aside, and comes back afterwards; name and port are the same."""
        instance = self.first(service)
        model = self._model(service)
        try:
            stop_service(self._home, instance.name)
            with self._understudy(model, instance, settings) as understudy:
                understudy.await_ready()
                yield understudy
        finally:
            with interrupts_held():
                start_service(self._home, instance.name)
        self.watch.await_return(instance)

    def _model(self, service: str) -> Model:
        """Command line and environment of the stack's own, also while it has stepped aside."""
        if service not in self._models:
            running = psutil.Process(self.watch.running(self.first(service).name).pid)
            self._models[service] = running.cmdline(), running.environ()
        return self._models[service]

    @contextmanager
    def _understudy(
        self,
        model: Model,
        instance: Instance,
        settings: dict[str, object],
    ) -> Iterator[Understudy]:
        command, environment = model
        own = {"instance": instance.name, "port": instance.port, **settings}
        changed = {f"BANDSTAND_{name.upper()}": str(value) for name, value in own.items()}
        with interrupts_held(), (self._home.logs / f"{instance.name}.log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - the stack's own command line
                command,
                env={**environment, **changed},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        understudy = Understudy(instance, process)
        try:
            yield understudy
        finally:
            with interrupts_held():
                understudy.end()
