"""Shipments in PostgreSQL, a batch at a time. A settled shipment never changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.kit import sql
from services.kit.message import Command, SagaId
from services.kit.participant import Answers
from services.shipping.model import Shipment, Shipments, Status

_LOAD = """
SELECT order_id, status, tracking, reason
FROM shipments WHERE order_id = ANY(%s::uuid[])
"""

_INSERT = """
INSERT INTO shipments (order_id, status, tracking, reason)
SELECT * FROM json_to_recordset(%s)
    AS new (order_id uuid, status text, tracking text, reason text)
"""

_BOOKINGS = "INSERT INTO bookings (order_id) SELECT unnest(%s::uuid[])"


class Loaded(Shipments):
    """`Shipments` that remember which were settled before."""

    known: frozenset[SagaId] = frozenset()


class ShipmentRepository:
    def load(self, connection: Any, commands: Sequence[Command], answers: Answers) -> Loaded:
        orders = sorted({command.order_id for command in commands})
        found = {
            SagaId(order): Shipment(SagaId(order), Status(status), *rest)
            for order, status, *rest in connection.execute(_LOAD, (sql.ids(orders),))
        }
        shipments = Loaded(answers, found)
        shipments.known = frozenset(found)
        return shipments

    def save(self, connection: Any, shipments: Loaded) -> None:
        new = [s for order, s in shipments.shipments.items() if order not in shipments.known]
        if new:
            connection.later(_INSERT, sql.rows(map(vars, new)))
        if shipments.bookings:
            connection.later(_BOOKINGS, sql.ids(shipments.bookings))
