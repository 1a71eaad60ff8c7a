"""What a service still has to do in each mode: what a drain waits for.

An order may be closed while a message of its mode is still unsent, waits for another try or was
not read yet. Events have a topic for each mode and commands are sent by the orchestrator alone, so
that what is unread has a mode, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter
from kafka import TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError
from pydantic import BaseModel, Field

from services.kit.message import Mode
from services.kit.pool import Pool
from services.kit.postgres import mode_of_parked
from services.kit.probe import BrokerProbe
from services.kit.problems import Problem, documented

Offsets = Mapping[TopicPartition, int]

READ_AT_MOST = 10_000

_UNSENT = "SELECT mode, count(*) FROM outbox GROUP BY mode"
_PARKED = "SELECT message FROM parked LIMIT %s"


class Remaining(BaseModel):
    """What this service, all replicas together, still has to do in one mode."""

    mode: Mode
    unsent: Annotated[int, Field(description="outbox rows the broker has not acknowledged")]
    parked: Annotated[int, Field(description="messages that wait for another try")]
    unread: Annotated[int, Field(description="messages written and not yet read")]


def remaining_route(pool: Pool, probe: BrokerProbe, groups: Sequence[str]) -> APIRouter:
    router = APIRouter()

    @router.get(
        "/remaining",
        tags=["coordination"],
        responses=documented(503),
        summary="What is left to do in each mode",
    )
    def get_remaining() -> list[Remaining]:
        unsent, parked = _rows(pool)
        unread = _unread(probe, groups)
        return [
            Remaining(mode=mode, unsent=unsent[mode], parked=parked[mode], unread=unread[mode])
            for mode in Mode
        ]

    return router


def _rows(pool: Pool) -> tuple[Counter[str], Counter[str]]:
    with pool.connection() as connection:
        unsent: Any = connection.execute(_UNSENT).fetchall()
        parked: Any = connection.execute(_PARKED, (READ_AT_MOST,)).fetchall()
    return Counter(dict(unsent)), Counter(mode_of_parked(message) for (message,) in parked)


def _unread(probe: BrokerProbe, groups: Sequence[str]) -> Counter[Mode]:
    try:
        return probe.ask(lambda admin: _ask_unread(admin, groups))
    except (KafkaError, OSError) as error:
        raise Problem(503, "broker-away", f"the broker does not answer: {error}") from error


def _ask_unread(admin: Any, groups: Sequence[str]) -> Counter[Mode]:
    unread: Counter[Mode] = Counter()
    for found in admin.list_group_offsets(list(groups)).values():
        committed = {partition: each.offset for partition, each in found.items()}
        specs = dict.fromkeys(committed, OffsetSpec.LATEST)
        ends = admin.list_partition_offsets(specs) if specs else {}
        unread += behind({partition: end.offset for partition, end in ends.items()}, committed)
    return unread


def behind(ends: Offsets, committed: Offsets) -> Counter[Mode]:
    unread: Counter[Mode] = Counter()
    for partition, end in ends.items():
        mode = next((mode for mode in Mode if carries(partition.topic, mode)), None)
        if mode and committed[partition] >= 0:
            unread[mode] += max(0, end - committed[partition])
    return unread


def carries(topic: str, mode: Mode) -> bool:
    """Events have a topic for each mode; commands are sent by the orchestrator alone."""
    if topic.endswith(".commands"):
        return mode is Mode.ORCHESTRATION
    return topic.endswith(f".{mode}.events")
