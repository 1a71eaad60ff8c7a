"""Starting and stopping a stack; nothing it started outlives its end, however that comes."""

import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lab.stack import infrastructure, supervisor
from lab.stack import services as instances
from lab.stack.home import Home, default_home
from lab.stack.interrupts import interrupts_held
from lab.stack.options import StackOptions
from lab.stack.ports import Ports
from lab.stack.processes import end_all, processes_of
from lab.stack.progress import Progress, Silent
from lab.stack.services import Environment
from lab.stack.state import Kafka, Postgres, Stack, Supervisor, find_stack, save_stack
from lab.stack.wait import wait_until_ready

WAITING = "another `bandstand up` or `down` is at work; waiting for it"


class RunningStack:
    """`ours`: this context started it and stops it, unless `keep` was called."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.ours = False
        self._stack: Stack | None = None

    @property
    def stack(self) -> Stack:
        assert self._stack is not None
        return self._stack

    def keep(self) -> None:
        self.ours = False

    def start(self, options: StackOptions, progress: Progress) -> None:
        """What is there already is found, not started twice; what a killed one left is ended."""
        self.home.make()
        with self.home.locked(lambda: progress.say(WAITING)):
            self._stack = find_stack(self.home)
            if self._stack:
                since = self.stack.started_at.astimezone()
                progress.say(f"found the stack that has been up since {since:%c}")
                return
            if left := _end(self.home, data=False):
                progress.say(f"ended {left} processes that a killed stack had left")
            self.ours = True
            try:
                if options.fresh:
                    infrastructure.forget(self.home, data=True)
                self._stack = _launch(self.home, options, progress)
            except BaseException:
                with interrupts_held():
                    _end(self.home, data=False)
                    self.ours = False
                raise


@dataclass(frozen=True)
class RunningInfrastructure:
    home: Home
    kafka: Kafka
    postgres: Postgres

    def pid(self, name: str) -> int:
        """Of `kafka` or `postgres`, once it runs."""
        return supervisor.running(self.home, name).pid


@contextmanager
def running_stack(
    options: StackOptions, progress: Progress | None = None, home: Home | None = None
) -> Iterator[RunningStack]:
    """A ready stack; on exit, also by Ctrl-C or SIGTERM, it is stopped if it was started here."""
    running = RunningStack(home or default_home())
    try:
        running.start(options, progress or Silent())
        yield running
    finally:
        if running.ours:
            with interrupts_held():
                stop(running.home)


@contextmanager
def infrastructure_only(
    home: Path | None = None, progress: Progress | None = None
) -> Iterator[RunningInfrastructure]:
    """Kafka and PostgreSQL alone, on random ports; without `home` in a folder that is gone
    afterwards. For tests."""
    folder = home or _passable_folder()
    options = StackOptions(services=(), known_ports=False)
    try:
        with running_stack(options, progress, Home(folder.resolve())) as running:
            stack = running.stack
            yield RunningInfrastructure(running.home, stack.kafka, stack.postgres)
    finally:
        if home is None:
            with interrupts_held():
                shutil.rmtree(folder, ignore_errors=True)


def stop(home: Home, *, wipe: bool = False, progress: Progress | None = None) -> int:
    """Ends whatever belongs to this state folder and returns how many processes that were."""
    if not home.root.is_dir():
        return 0
    say = (progress or Silent()).say
    with home.locked(lambda: say(WAITING)), interrupts_held():
        return _end(home, data=wipe)


def _launch(home: Home, options: StackOptions, progress: Progress) -> Stack:
    """`stack.json` is written last: whoever finds it finds a stack that was ready."""
    home.make()
    ports = Ports()
    prepared = infrastructure.prepare(home, options, ports, progress)
    services = instances.plan_instances(options, ports)
    token = secrets.token_urlsafe(24)
    shutil.rmtree(home.spans, ignore_errors=True)  # of a stack whose traces are gone
    shared = Environment(
        prepared.postgres.url,
        prepared.kafka.bootstrap,
        token,
        options.seed,
        prepared.traces,
        home.spans,
    )
    programs = [*prepared.programs, *instances.programs(services, options, shared)]
    with interrupts_held():
        pid = supervisor.start(home, programs)
    wait_until_ready(home, prepared, services, options.timeout, progress)
    stack = Stack(
        services=services,
        kafka=prepared.kafka,
        postgres=prepared.postgres,
        token=token,
        started_at=datetime.now(UTC),
        supervisor=Supervisor(socket=str(home.supervisor_socket), pid=pid),
        seed=options.seed,
        home=str(home.root),
        traces=prepared.traces,
    )
    save_stack(home, stack)
    return stack


def _end(home: Home, *, data: bool) -> int:
    """`stack.json` goes first: a stack that is being stopped is nobody's to find. The
    supervisor is asked; whatever does not obey it, or has lost it, is ended."""
    home.stack_file.unlink(missing_ok=True)
    processes = processes_of(home)
    supervisor.shut_down(home)
    end_all(home)
    home.supervisor_socket.unlink(missing_ok=True)
    infrastructure.forget(home, data=data)
    return len(processes)


def _passable_folder() -> Path:
    """PostgreSQL's user has to get into it, which rules out pytest's own folders for root."""
    folder = Path(tempfile.mkdtemp(prefix="bandstand-"))
    folder.chmod(0o711)
    return folder
