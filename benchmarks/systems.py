"""What is measured: each system's processes, how many sagas it is given, and what it promises."""

from __future__ import annotations

import sys
from dataclasses import dataclass

from lab.stack.options import SERVICES
from services.kit.message import Mode

OURS = (sys.executable, "-m", "services")
EVERY_GUARANTEE = (
    "outbox and inbox: no event lost, no effect twice; deadlines; sagas pinned to their mode"
)


@dataclass(frozen=True)
class System:
    """`orders` of one run at saturation, `concurrency` of them open at any time: what each system
    was seen to be fastest with. `broker`: whether Kafka is part of it and counts."""

    name: str
    processes: tuple[str, ...]
    orders: int
    concurrency: int
    broker: bool
    settings: str
    promises: str
    mode: Mode | None = None

    def command(self, python: str) -> tuple[str, ...]:
        """How a process is started; its name follows as the last argument."""
        return OURS if self.mode else (python, "-m", "benchmarks.peers", self.name)


def _ours(mode: Mode) -> System:
    return System(
        name=f"bandstand-{mode}",
        processes=SERVICES,
        orders=3_000,
        concurrency=400,
        broker=True,
        settings="six services; one saga in ten traced; acks=all, idempotent producer",
        promises=EVERY_GUARANTEE,
        mode=mode,
    )


TEMPORAL = System(
    name="temporal",
    processes=("order", "worker", "server"),
    orders=250,
    concurrency=50,
    broker=False,
    settings="development server in memory, one worker, steps are activities",
    promises="steps at least once, saga always resumed; here lost when the server restarts",
)
DBOS = System(
    name="dbos",
    processes=("order",),
    orders=500,
    concurrency=50,
    broker=False,
    settings="one process, asynchronous workflow and steps; its tables on the same server",
    promises="steps at least once, saga resumed by the process that began it",
)
FASTSTREAM = System(
    name="faststream",
    processes=("order", "inventory", "payment", "shipping", "notification"),
    orders=1_000,
    concurrency=100,
    broker=True,
    settings="five services, aiokafka, acks=1, acknowledged first, ten at a time",
    promises="none: a killed process loses events, and no step is recognised as done twice",
)
FLOOR = System(
    name="floor",
    processes=("order",),
    orders=2_000,
    concurrency=50,
    broker=False,
    settings="one process, asyncpg, eight sagas at a time, one transaction a step, no HTTP",
    promises="none: nothing resumes a saga",
)
SYSTEMS = (
    _ours(Mode.ORCHESTRATION),
    _ours(Mode.CHOREOGRAPHY),
    TEMPORAL,
    DBOS,
    FASTSTREAM,
    FLOOR,
)
OWN = tuple(system.name for system in SYSTEMS if system.mode)
PEERS = (TEMPORAL.name, DBOS.name, FASTSTREAM.name)
