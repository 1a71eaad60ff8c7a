"""Stock in PostgreSQL. Rows are locked in one order (orders, then skus), so replicas queue up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from services.inventory.model import Level, Reservation, Status, Stock
from services.kit import sql
from services.kit.message import Command, SagaId
from services.kit.participant import Answers
from services.messages import Item, ReserveStock

Items = tuple[Item, ...]

_LOAD_RESERVATIONS = """
SELECT order_id, status, items, reason
FROM reservations WHERE order_id = ANY(%s::uuid[])
ORDER BY order_id FOR UPDATE
"""

_LOAD_LEVELS = """
SELECT sku, on_hand, reserved, shipped
FROM stock WHERE sku = ANY(%s::text[])
ORDER BY sku FOR UPDATE
"""

_INSERT = """
INSERT INTO reservations (order_id, status, items, reason)
SELECT * FROM json_to_recordset(%s)
    AS new (order_id uuid, status text, items jsonb, reason text)
"""

_UPDATE = """
UPDATE reservations
SET status = new.status, reason = new.reason, changed_at = now()
FROM json_to_recordset(%s) AS new (order_id uuid, status text, reason text)
WHERE reservations.order_id = new.order_id
"""

_UPDATE_LEVELS = """
UPDATE stock
SET on_hand = new.on_hand, reserved = new.reserved, shipped = new.shipped
FROM json_to_recordset(%s) AS new (sku text, on_hand bigint, reserved bigint, shipped bigint)
WHERE stock.sku = new.sku
"""

_MOVES = """
INSERT INTO moves (order_id, move)
SELECT * FROM json_to_recordset(%s) AS new (order_id uuid, move text)
"""

_decode = msgspec.json.Decoder(Items).decode


class Loaded(Stock):
    """A `Stock` that remembers which reservations were there already."""

    known: frozenset[SagaId] = frozenset()


class StockRepository:
    def load(self, connection: Any, commands: Sequence[Command], answers: Answers) -> Loaded:
        orders = sorted({command.order_id for command in commands})
        stock = Loaded(reservations=self._reservations(connection, orders))
        stock.known = frozenset(stock.reservations)
        held = (held.items for held in stock.reservations.values())
        wanted = (command.items for command in commands if isinstance(command, ReserveStock))
        skus = _skus([*held, *wanted])
        if skus:
            rows = connection.execute(_LOAD_LEVELS, (sql.ids(skus),))
            stock.levels = {sku: Level(*numbers) for sku, *numbers in rows}
        return stock

    def save(self, connection: Any, stock: Loaded) -> None:
        if stock.moves:
            levels = sql.rows({"sku": sku, **vars(stock.levels[sku])} for sku in stock.levels)
            moves = sql.rows({"order_id": order, "move": move} for order, move in stock.moves)
            connection.later(_UPDATE_LEVELS, levels)
            connection.later(_MOVES, moves)
        self._save_reservations(connection, stock)

    def _reservations(self, connection: Any, orders: Sequence[SagaId]) -> dict[SagaId, Reservation]:
        rows = connection.execute(_LOAD_RESERVATIONS, (sql.ids(orders),))
        return {
            SagaId(order_id): Reservation(SagaId(order_id), Status(status), _decode(items), reason)
            for order_id, status, items, reason in rows
        }

    def _save_reservations(self, connection: Any, stock: Loaded) -> None:
        found = stock.reservations
        new = [vars(row) for order, row in found.items() if order not in stock.known]
        changed = sorted({order for order, _ in stock.moves} & stock.known)
        if new:
            connection.later(_INSERT, sql.rows(new))
        if changed:
            connection.later(_UPDATE, sql.rows(vars(found[order]) for order in changed))


def _skus(baskets: Iterable[Items]) -> list[str]:
    return sorted({item.sku for items in baskets for item in items})
