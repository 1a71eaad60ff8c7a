"""Policies over HTTP: the rules of the whole process, who enforces them, and answers to holds."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from services.kit.api import NUMBER, require_token
from services.kit.pool import Pool
from services.kit.problems import documented
from services.kit.relay import Publisher
from services.kit.tracing import Tracing
from services.order import holds, policies
from services.policy.rules import MOST_RULES

EXAMPLE: dict[str, Any] = {
    "name": "big-orders-need-a-look",
    "guards": "ArrangeShipment",
    "when": "order.amount_cents > 1000000",
    "effect": "hold",
    "hold": {"seconds": 3600, "silence": "deny"},
}


class Point(BaseModel):
    """A replica that enforces rules, the version it said it enforces, and since when."""

    service: str
    instance: str
    version: int
    at: datetime


class PolicyView(BaseModel):
    """The rules of the newest version. The orchestrator enforces them for its sagas, the other
    points for sagas in choreography."""

    version: int
    applied_at: datetime | None
    rules: list[dict[str, Any]]
    points: list[Point]
    missed: list[Point] = Field(
        default=[],
        description="Who fell silent without saying that it leaves: frozen, or killed in the last "
        "ten minutes. `at` is its last word.",
    )


class NewPolicy(BaseModel):
    """All rules at once. `version` is the one you saw: if it has changed since, nothing is done."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"version": 0, "rules": [EXAMPLE]}]}
    )

    version: Annotated[int, Field(ge=0, le=2**31 - 2), NUMBER]
    rules: Annotated[list[dict[str, Any]], Field(max_length=MOST_RULES)]


class OpenHold(BaseModel):
    order_id: UUID
    rule: str
    step: str
    version: int
    held_by: str
    held_at: datetime
    until: datetime


class OpenHolds(BaseModel):
    holds: list[OpenHold]


def make_router(
    pool: Pool, publisher: Publisher, tracing: Tracing, patience: float, token: str
) -> APIRouter:
    router = APIRouter(tags=["policies"])
    _add_policies(router, pool, publisher, token)
    _add_holds(router, pool, publisher, tracing, patience, token)
    return router


def _add_policies(router: APIRouter, pool: Pool, publisher: Publisher, token: str) -> None:
    @router.get("/policies", responses=documented(503), summary="The rules, and who enforces them")
    def get_policies() -> PolicyView:
        return PolicyView.model_validate(policies.snapshot(pool))

    @router.put(
        "/policies",
        dependencies=[Depends(require_token(token))],
        responses=documented(401, 403, 409, 422, 503),
        summary="Replace the rules, by compare-and-set on the version",
    )
    def put_policies(body: NewPolicy) -> PolicyView:
        policies.apply(pool, publisher, body.version, policies.checked(body.rules))
        return PolicyView.model_validate(policies.snapshot(pool))


def _add_holds(
    router: APIRouter,
    pool: Pool,
    publisher: Publisher,
    tracing: Tracing,
    patience: float,
    token: str,
) -> None:
    admin = [Depends(require_token(token))]
    refusals = documented(401, 403, 404, 409, 422, 503)

    @router.get("/holds", responses=documented(422, 503), summary="What waits for an answer")
    def get_holds(limit: Annotated[int, Query(ge=1, le=500)] = 50) -> OpenHolds:
        return OpenHolds.model_validate({"holds": holds.open_holds(pool, limit)})

    @router.post(
        "/orders/{order_id}/approve",
        status_code=202,
        dependencies=admin,
        responses=refusals,
        summary="Let a held order go on",
    )
    def approve(order_id: UUID) -> None:
        holds.answer(pool, publisher, tracing, patience, order_id, "approved")

    @router.post(
        "/orders/{order_id}/decline",
        status_code=202,
        dependencies=admin,
        responses=refusals,
        summary="Refuse a held order",
    )
    def decline(order_id: UUID) -> None:
        holds.answer(pool, publisher, tracing, patience, order_id, "declined")
