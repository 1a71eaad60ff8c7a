"""Stock in PostgreSQL. Rows are locked in one order (orders, then skus), so replicas queue up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from services.inventory.model import Level, Reservation, Status, Stock
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
FROM stock WHERE sku = ANY(%s)
ORDER BY sku FOR UPDATE
"""

_INSERT = """
INSERT INTO reservations (order_id, status, items, reason)
SELECT * FROM unnest(%s::uuid[], %s::text[], %s::jsonb[], %s::text[])
"""

_UPDATE = """
UPDATE reservations
SET status = new.status, reason = new.reason, changed_at = now()
FROM unnest(%s::uuid[], %s::text[], %s::text[]) AS new (order_id, status, reason)
WHERE reservations.order_id = new.order_id
"""

_UPDATE_LEVELS = """
UPDATE stock
SET on_hand = new.on_hand, reserved = new.reserved, shipped = new.shipped
FROM unnest(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[])
    AS new (sku, on_hand, reserved, shipped)
WHERE stock.sku = new.sku
"""

_MOVES = "INSERT INTO moves (order_id, move) SELECT * FROM unnest(%s::uuid[], %s::text[])"

_encode = msgspec.json.Encoder().encode
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
            rows = connection.execute(_LOAD_LEVELS, (skus,))
            stock.levels = {sku: Level(*numbers) for sku, *numbers in rows}
        return stock

    def save(self, connection: Any, stock: Loaded) -> None:
        if stock.moves:
            skus = sorted(stock.levels)
            levels = [stock.levels[sku] for sku in skus]
            connection.execute(
                _UPDATE_LEVELS,
                (
                    skus,
                    [level.on_hand for level in levels],
                    [level.reserved for level in levels],
                    [level.shipped for level in levels],
                ),
            )
            orders, moves = zip(*stock.moves, strict=True)
            connection.execute(_MOVES, (list(orders), [str(move) for move in moves]))
        self._save_reservations(connection, stock)

    def _reservations(self, connection: Any, orders: Sequence[SagaId]) -> dict[SagaId, Reservation]:
        rows = connection.execute(_LOAD_RESERVATIONS, (list(orders),))
        return {
            SagaId(order_id): Reservation(SagaId(order_id), Status(status), _decode(items), reason)
            for order_id, status, items, reason in rows
        }

    def _save_reservations(self, connection: Any, stock: Loaded) -> None:
        rows = stock.reservations.values()
        new = [row for row in rows if row.order_id not in stock.known]
        changed = {order for order, _ in stock.moves} & stock.known
        if new:
            connection.execute(
                _INSERT,
                (
                    [row.order_id for row in new],
                    [str(row.status) for row in new],
                    [_encode(row.items).decode() for row in new],
                    [row.reason for row in new],
                ),
            )
        if changed:
            old = [stock.reservations[order] for order in sorted(changed)]
            connection.execute(
                _UPDATE,
                (
                    [row.order_id for row in old],
                    [str(row.status) for row in old],
                    [row.reason for row in old],
                ),
            )


def _skus(baskets: Iterable[Items]) -> list[str]:
    return sorted({item.sku for items in baskets for item in items})
