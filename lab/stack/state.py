"""`stack.json`: what is running, for every other command and for scripts."""

import os
from datetime import datetime
from pathlib import Path

import msgspec

from lab.errors import NoStackError
from lab.stack.home import Home, default_home
from lab.stack.processes import belongs_to


class Instance(msgspec.Struct, frozen=True):
    name: str
    url: str
    port: int


class Service(msgspec.Struct, frozen=True):
    """`url` is that of the first instance."""

    url: str
    instances: list[Instance]


class Detour(msgspec.Struct, frozen=True):
    """A second way to the broker: it listens at `exit` and tells clients to call at `entrance`,
    where nobody is unless somebody puts a relay there."""

    entrance: int
    exit: int


class Kafka(msgspec.Struct, frozen=True):
    bootstrap: str
    provider: str
    detour: Detour | None = None


class Postgres(msgspec.Struct, frozen=True):
    url: str
    provider: str


class Supervisor(msgspec.Struct, frozen=True):
    socket: str
    pid: int


class Stack(msgspec.Struct, frozen=True):
    services: dict[str, Service]
    kafka: Kafka
    postgres: Postgres
    token: str
    started_at: datetime
    supervisor: Supervisor
    seed: int
    home: str
    traces: str | None = None


class DataOrigin(msgspec.Struct, frozen=True):
    """Which providers wrote the data in a state folder: another one cannot read it, and two
    halves of different age would contradict each other."""

    kafka: str
    postgres: str


def save_stack(home: Home, stack: Stack) -> None:
    _write(home.stack_file, msgspec.json.format(msgspec.json.encode(stack), indent=2))


def save_origin(home: Home, origin: DataOrigin) -> None:
    _write(home.data_file, msgspec.json.encode(origin))


def load_origin(home: Home) -> DataOrigin | None:
    try:
        return msgspec.json.decode(home.data_file.read_bytes(), type=DataOrigin)
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def load_stack(home: Home | None = None) -> Stack:
    """The running stack; a file left by one that was killed does not count."""
    stack = find_stack(home or default_home())
    if stack is None:
        raise NoStackError
    return stack


def find_stack(home: Home) -> Stack | None:
    try:
        stack = msgspec.json.decode(home.stack_file.read_bytes(), type=Stack)
    except (OSError, msgspec.DecodeError):
        return None
    return stack if belongs_to(home, stack.supervisor.pid) else None


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all, and secrets only for its owner."""
    unfinished = path.with_suffix(".tmp")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    unfinished.replace(path)
