"""What distinguishes one service from another, as data that `bootstrap` can run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fastapi import APIRouter
from psycopg import Connection

from services.kit.backlog import Backlog
from services.kit.batch import Core
from services.kit.faults import Faults
from services.kit.metrics import Metrics
from services.kit.pool import Pool
from services.kit.postgres import PostgresDatabase
from services.kit.probe import BrokerProbe
from services.kit.relay import Relay
from services.kit.retention import Retention
from services.kit.settings import Settings
from services.kit.tracing import Tracing
from services.kit.worker import Duty
from services.policy.point import EnforcementPoint


class Background(Protocol):
    """A thread of a service's own, beside the worker."""

    def run(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(frozen=True)
class Deps:
    """What a service is given to build itself from."""

    settings: Settings
    metrics: Metrics
    tracing: Tracing
    faults: Faults
    point: EnforcementPoint
    relay: Relay
    backlog: Backlog
    pool: Pool
    probe: BrokerProbe
    database: Callable[[str], PostgresDatabase]


@dataclass(frozen=True)
class Listener:
    """A reader beside the worker, in a group of its own, that is in no hurry.

    It lets records pile up for half a second, so that it costs next to nothing.
    """

    group: str
    core: Core
    topics: Sequence[str]


@dataclass(frozen=True)
class Parts:
    """What a service is made of once built. A `patient` one is in no hurry, like a listener."""

    core: Core
    router: APIRouter
    topics: Sequence[str]
    duties: Callable[[PostgresDatabase], Sequence[Duty]] = lambda _: ()
    background: Sequence[Background] = field(default_factory=tuple)
    listeners: Sequence[Listener] = field(default_factory=tuple)
    retentions: Sequence[Retention] = field(default_factory=tuple)
    patient: bool = False


@dataclass(frozen=True)
class Service:
    """`schema` is both the PostgreSQL schema's name and where its tables are written down.

    Whoever `enforces` policies hears of their changes, on a thread of its own.
    """

    name: str
    schema: str
    sql: Path
    summary: str
    build: Callable[[Deps], Parts]
    enforces: bool = False
    prepare: Callable[[Settings, Connection[tuple[object, ...]]], None] = lambda *_: None
