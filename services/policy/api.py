"""What a policy enforcement point shows of itself: how an order's steps were decided here."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from fastapi import APIRouter
from pydantic import BaseModel

from services.kit.message import Mode
from services.kit.pool import Pool
from services.kit.problems import documented
from services.policy.rules import Effect
from services.policy.ruling import Verdict
from services.policy.store import decisions_of


class DecisionView(BaseModel):
    """One rule's word on one step. `enforced` is false for rules that only look."""

    mode: Mode
    step: str
    rule: str
    version: int
    effect: Effect
    enforced: bool
    outcome: Verdict
    why: str
    facts: list[str]
    at: datetime


class Decisions(BaseModel):
    """`decided_by` is this service; the other points of the saga's mode have theirs."""

    decided_by: str
    decisions: list[DecisionView]


def make_router(service: str, pool: Pool) -> APIRouter:
    router = APIRouter(tags=["policies"])

    @router.get(
        "/decisions/{order_id}",
        responses=documented(422, 503),
        summary="How this point decided an order's steps",
    )
    def get_decisions(order_id: UUID) -> Decisions:
        with pool.connection() as connection:
            rows = decisions_of(connection, str(order_id))
        return Decisions(decided_by=service, decisions=[_shown(row) for row in rows])

    return router


def _shown(row: tuple[Any, ...]) -> DecisionView:
    names = DecisionView.model_fields
    values = dict(zip(names, row, strict=True))
    return DecisionView(**{**values, "facts": msgspec.json.decode(values["facts"])})
