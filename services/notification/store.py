"""Notifications in PostgreSQL, a batch at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.kit import sql
from services.kit.message import Command, SagaId
from services.kit.participant import Answers
from services.notification.model import Mailbox

_LOAD = "SELECT order_id, kind FROM told WHERE order_id = ANY(%s::uuid[])"

_TOLD = """
INSERT INTO told (order_id, kind)
SELECT * FROM json_to_recordset(%s) AS note (order_id uuid, kind text)
"""

_NOTES = """
INSERT INTO notifications (order_id, customer_id, kind, message)
SELECT * FROM json_to_recordset(%s)
    AS note (order_id uuid, customer_id text, kind text, message text)
"""


class NotificationRepository:
    def load(self, connection: Any, commands: Sequence[Command], answers: Answers) -> Mailbox:
        orders = sorted({command.order_id for command in commands})
        rows = connection.execute(_LOAD, (sql.ids(orders),))
        return Mailbox({SagaId(order): kind for order, kind in rows})

    def save(self, connection: Any, mailbox: Mailbox) -> None:
        if mailbox.sent:
            notes = sql.rows(map(vars, mailbox.sent))
            connection.later(_TOLD, notes)
            connection.later(_NOTES, notes)
