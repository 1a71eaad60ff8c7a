"""The orchestrator over HTTP: where every saga stands, in one place."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.kit.pool import Pool
from services.kit.problems import Problem, documented

SagaStatus = Literal["running", "compensating", "stuck", "ended"]

_PAGE = """
SELECT order_id, status, outcome, reason, epoch, version, started_at, ended_at
FROM sagas
WHERE (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(before)s::uuid IS NULL OR order_id < %(before)s::uuid)
ORDER BY order_id DESC
LIMIT %(limit)s
"""

_SAGA = """
SELECT order_id, status, outcome, reason, epoch, version, started_at, ended_at, state
FROM sagas WHERE order_id = %s
"""

_LOG = "SELECT turn, at, heard, entries FROM saga_log WHERE order_id = %s ORDER BY turn"


class SagaSummary(BaseModel):
    order_id: UUID
    status: SagaStatus
    outcome: str | None
    reason: str | None
    epoch: int
    version: int
    started_at: datetime
    ended_at: datetime | None


class StepView(BaseModel):
    status: str
    attempt: int
    deadline: float | None = None


class LogEntry(BaseModel):
    """What was decided in a turn, and what was heard that made it so."""

    seq: int
    at: datetime
    heard: str
    entry: str
    step: str
    direction: str
    attempt: int


class SagaView(SagaSummary):
    steps: dict[str, StepView]
    deadline: datetime | None
    log: list[LogEntry]


class SagaPage(BaseModel):
    sagas: list[SagaSummary]
    next: str | None


def make_router(pool: Pool) -> APIRouter:
    router = APIRouter(tags=["orchestrator"])

    @router.get("/sagas", responses=documented(422, 503), summary="Sagas, newest first")
    def get_sagas(
        status: Annotated[SagaStatus | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: Annotated[UUID | None, Query(description="`next` of the page before")] = None,
    ) -> SagaPage:
        before = str(cursor) if cursor else None
        values = {"status": status, "before": before, "limit": limit + 1}
        with pool.connection() as connection:
            rows = connection.execute(_PAGE, values).fetchall()
        sagas = [_summary(row) for row in rows[:limit]]
        return SagaPage(sagas=sagas, next=str(sagas[-1].order_id) if len(rows) > limit else None)

    @router.get(
        "/sagas/{order_id}",
        responses=documented(404, 422, 503),
        summary="A saga's state, step log and next deadline",
    )
    def get_saga(order_id: UUID) -> SagaView:
        with pool.connection() as connection:
            row: Any = connection.execute(_SAGA, (str(order_id),)).fetchone()
            if row is None:
                raise Problem(404, "unknown-saga", f"no saga of order {order_id} was conducted")
            log = connection.execute(_LOG, (str(order_id),)).fetchall()
        state = msgspec.json.decode(row[8])
        deadlines = [step["deadline"] for step in state["steps"].values() if step["deadline"]]
        return SagaView(
            **_summary(row).model_dump(),
            steps=state["steps"],
            deadline=min(deadlines, default=None),
            log=[entry for line in log for entry in _entries(line)],
        )

    return router


def _summary(row: Any) -> SagaSummary:
    names = SagaSummary.model_fields
    return SagaSummary(**dict(zip(names, row[: len(names)], strict=True)))


def _entries(line: Any) -> list[LogEntry]:
    turn, at, heard, entries = line
    return [
        LogEntry(
            seq=turn,
            at=at,
            heard=heard,
            entry=entry,
            step=step,
            direction=direction,
            attempt=attempt,
        )
        for entry, step, direction, attempt in msgspec.json.decode(entries)
    ]
