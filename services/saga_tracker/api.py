"""The tracker over HTTP: where each choreographed saga stands, in one place after all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.kit.pool import Pool
from services.kit.problems import Problem, documented
from services.saga_tracker.model import Heard, awaited, holds, outcome, reason
from services.saga_tracker.store import STATUS, decode_heard

SagaStatus = Literal["running", "stuck", "ended"]

# To clients a held one is running; its holds say why it does not get on.
_SAGAS = f"""
SELECT order_id, epoch, status, progressed_at, closed_at, heard
FROM (SELECT *, replace({STATUS}, 'held', 'running') AS status FROM sagas) AS sagas
"""  # noqa: S608 - our own words

_PAGE = f"""{_SAGAS}
WHERE (%(status)s::text IS NULL OR status = %(status)s)
  AND (%(status)s::text IS NULL OR %(status)s = 'ended' OR closed_at IS NULL)
  AND (%(before)s::uuid IS NULL OR order_id < %(before)s::uuid)
ORDER BY order_id DESC
LIMIT %(limit)s
"""

_SAGA = f"{_SAGAS} WHERE order_id = %(order)s"


class HeldStep(BaseModel):
    step: str
    rules: list[str]
    until: datetime


class TrackedSaga(BaseModel):
    """`awaits` are the events that have to come next, as far as the tracker knows the flow; `holds`
    are rules that let none come until somebody answers."""

    order_id: UUID
    epoch: int
    status: SagaStatus
    progressed_at: datetime
    closed_at: datetime | None
    outcome: str | None
    reason: str | None
    awaits: list[str]
    holds: list[HeldStep]


class HeardEvent(BaseModel):
    type: str
    at: datetime


class TrackedSagaView(TrackedSaga):
    heard: list[HeardEvent]


class TrackedSagaPage(BaseModel):
    sagas: list[TrackedSaga]
    next: str | None


def make_router(pool: Pool, patience: float) -> APIRouter:
    router = APIRouter(tags=["saga-tracker"])

    @router.get(
        "/sagas", responses=documented(422, 503), summary="Choreographed sagas, newest first"
    )
    def get_sagas(
        status: Annotated[SagaStatus | None, Query()] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        cursor: Annotated[UUID | None, Query(description="`next` of the page before")] = None,
    ) -> TrackedSagaPage:
        before = str(cursor) if cursor else None
        values = {"status": status, "before": before, "limit": limit + 1, "patience": patience}
        with pool.connection() as connection:
            rows = connection.execute(_PAGE, values).fetchall()
        sagas = [TrackedSaga(**_values(row)) for row in rows[:limit]]
        following = str(sagas[-1].order_id) if len(rows) > limit else None
        return TrackedSagaPage(sagas=sagas, next=following)

    @router.get(
        "/sagas/{order_id}",
        responses=documented(404, 422, 503),
        summary="What was heard of a saga, and what has to come next",
    )
    def get_saga(order_id: UUID) -> TrackedSagaView:
        with pool.connection() as connection:
            values = {"order": str(order_id), "patience": patience}
            row: Any = connection.execute(_SAGA, values).fetchone()
        if row is None:
            raise Problem(404, "unknown-saga", f"nothing was heard of a saga of order {order_id}")
        return TrackedSagaView(**_values(row), heard=_events(decode_heard(row[-1])))

    return router


def _values(row: Any) -> dict[str, Any]:
    order_id, epoch, status, progressed_at, closed_at, stored = row
    heard = decode_heard(stored)
    return {
        "order_id": order_id,
        "epoch": epoch,
        "status": status,
        "progressed_at": progressed_at,
        "closed_at": closed_at,
        "outcome": outcome(heard),
        "reason": reason(heard),
        "awaits": list(awaited(heard)),
        "holds": [
            HeldStep(step=each.step, rules=list(each.rules), until=each.until)
            for each in holds(heard, datetime.now(UTC))
        ],
    }


def _events(heard: dict[str, Heard]) -> list[HeardEvent]:
    found = [HeardEvent(type=kind.partition(":")[0], at=each.at) for kind, each in heard.items()]
    return sorted(found, key=lambda event: event.at)
