"""Notification over HTTP."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.kit.pool import Pool
from services.kit.problems import documented

_NOTIFICATIONS = """
SELECT order_id, kind, message, sent_at FROM notifications WHERE order_id = %s ORDER BY id
"""


class NotificationView(BaseModel):
    order_id: UUID
    kind: str
    message: str
    sent_at: str


class Notifications(BaseModel):
    notifications: list[NotificationView]


def make_router(pool: Pool) -> APIRouter:
    router = APIRouter(tags=["notification"])

    @router.get(
        "/notifications", responses=documented(422, 503), summary="What a customer was told"
    )
    def get_notifications(order_id: Annotated[UUID, Query()]) -> Notifications:
        with pool.connection() as connection:
            rows = connection.execute(_NOTIFICATIONS, (str(order_id),)).fetchall()
        return Notifications(notifications=[_view(row) for row in rows])

    return router


def _view(row: Any) -> NotificationView:
    return NotificationView(
        order_id=row[0], kind=row[1], message=row[2], sent_at=row[3].isoformat()
    )
