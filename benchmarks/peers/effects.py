"""The saga's local transactions, one order at a time, on the services' own tables.

The same reads, writes and row locks as the services', each with its writes in one statement.
Each looks first whether it has been done, so that a system may run it again. An effect runs in the
transaction that its caller has begun on `connection` (asyncpg).
"""

from __future__ import annotations

from typing import Any

import asyncpg

from benchmarks.peers.orders import Order, as_json, ask_third_party
from services.payment.card_network import DECLINED_CARD
from services.shipping.carrier import NOT_SERVED

_PLACE = """
INSERT INTO orders.orders (id, customer_id, items, total_cents, currency, card, ship_to, mode,
    epoch, deadline_at, idempotency_key, request_hash)
VALUES ($1, $2, $3, $4, $5, $6,
    jsonb_build_object('name', $7::text, 'country', $8::text, 'city', $9::text,
        'postcode', $10::text),
    $11, 1, clock_timestamp() + interval '10 s', $12::text, sha256(convert_to($12, 'UTF8')))
"""

_RESERVATION = """
SELECT status, reason FROM inventory.reservations WHERE order_id = $1 FOR UPDATE
"""
_LEVELS = """
SELECT sku, on_hand FROM inventory.stock WHERE sku = ANY($1::text[]) ORDER BY sku FOR UPDATE
"""
_RESERVE = """
WITH levels AS (
    UPDATE inventory.stock
    SET on_hand = on_hand - wanted.quantity, reserved = reserved + wanted.quantity
    FROM unnest($2::text[], $3::bigint[]) AS wanted (sku, quantity)
    WHERE stock.sku = wanted.sku
), moves AS (
    INSERT INTO inventory.moves (order_id, move) VALUES ($1, 'reserved')
)
INSERT INTO inventory.reservations (order_id, status, items) VALUES ($1, 'reserved', $4)
"""
_REJECT_STOCK = """
INSERT INTO inventory.reservations (order_id, status, items, reason)
VALUES ($1, 'rejected', '[]', 'out_of_stock')
"""
_RELEASE_EARLY = """
INSERT INTO inventory.reservations (order_id, status, items, reason)
VALUES ($1, 'released', '[]', $2)
"""
_HELD = """
SELECT item.sku, item.quantity
FROM inventory.reservations,
    jsonb_to_recordset(items) AS item (sku text, quantity bigint)
WHERE order_id = $1
"""
_RELEASE = """
WITH levels AS (
    UPDATE inventory.stock
    SET on_hand = on_hand + held.quantity, reserved = reserved - held.quantity
    FROM unnest($2::text[], $3::bigint[]) AS held (sku, quantity)
    WHERE stock.sku = held.sku
), moves AS (
    INSERT INTO inventory.moves (order_id, move) VALUES ($1, 'released')
)
UPDATE inventory.reservations SET status = 'released', reason = $4, changed_at = now()
WHERE order_id = $1
"""
_SHIP = """
WITH levels AS (
    UPDATE inventory.stock
    SET reserved = reserved - held.quantity, shipped = shipped + held.quantity
    FROM unnest($2::text[], $3::bigint[]) AS held (sku, quantity)
    WHERE stock.sku = held.sku
), moves AS (
    INSERT INTO inventory.moves (order_id, move) VALUES ($1, 'shipped')
)
UPDATE inventory.reservations SET status = 'shipped', changed_at = now() WHERE order_id = $1
"""

_PAYMENT = "SELECT status, reason FROM payment.payments WHERE order_id = $1 FOR UPDATE"
_DECLINE = """
INSERT INTO payment.payments (order_id, status, amount_cents, currency, card, reason)
VALUES ($1, 'declined', $2, $3, $4, 'card_declined')
"""
_AUTHORIZE = """
WITH entries AS (
    INSERT INTO payment.ledger (order_id, entry, amount_cents) VALUES ($1, 'authorized', $2)
)
INSERT INTO payment.payments (order_id, status, amount_cents, currency, card)
VALUES ($1, 'authorized', $2, $3, $4)
"""
_VOID_EARLY = """
INSERT INTO payment.payments (order_id, status, amount_cents, currency, card, reason)
VALUES ($1, 'voided', 0, '', '', $2)
"""
_SETTLE = """
WITH settled AS (
    UPDATE payment.payments SET status = $2, reason = $3, changed_at = now()
    WHERE order_id = $1 RETURNING order_id, amount_cents
)
INSERT INTO payment.ledger (order_id, entry, amount_cents)
SELECT order_id, $2, amount_cents FROM settled
"""

_SHIPMENT = "SELECT status, reason FROM shipping.shipments WHERE order_id = $1"
_ARRANGE = """
WITH booked AS (
    INSERT INTO shipping.bookings (order_id) VALUES ($1)
)
INSERT INTO shipping.shipments (order_id, status, tracking) VALUES ($1, 'arranged', $2)
"""
_REFUSE = """
INSERT INTO shipping.shipments (order_id, status, reason) VALUES ($1, 'refused', 'not_serviceable')
"""

_ORDER = "SELECT status, reason FROM orders.orders WHERE id = $1 FOR UPDATE"
_END = """
UPDATE orders.orders SET status = $2, reason = $3, ended_at = clock_timestamp() WHERE id = $1
"""
_TOLD = "SELECT kind, NULL FROM notification.told WHERE order_id = $1"
_TELL = """
WITH told AS (
    INSERT INTO notification.told (order_id, kind) VALUES ($1, $3)
), closed AS (
    UPDATE orders.orders SET closed_at = clock_timestamp() WHERE id = $1
)
INSERT INTO notification.notifications (order_id, customer_id, kind, message)
VALUES ($1, $2, $3, $4)
"""


async def place(connection: Any, order: Order, mode: str, key: str) -> None:
    items = as_json(order.skus, order.quantities)
    address = (order.recipient, order.country, order.city, order.postcode)
    paying = (order.total_cents, order.currency, order.card)
    await connection.execute(
        _PLACE, order.order_id, order.customer_id, items, *paying, *address, mode, key
    )


async def reserve(connection: Any, order: Order) -> str | None:
    """Why not, or None."""
    if found := await connection.fetchrow(_RESERVATION, order.order_id):
        return None if found["status"] in ("reserved", "shipped") else str(found["reason"])
    levels = dict(await connection.fetch(_LEVELS, order.skus))
    wanted = zip(order.skus, order.quantities, strict=True)
    if any(levels[sku] < quantity for sku, quantity in wanted):
        await connection.execute(_REJECT_STOCK, order.order_id)
        return "out_of_stock"
    items = as_json(order.skus, order.quantities)
    await connection.execute(_RESERVE, order.order_id, order.skus, order.quantities, items)
    return None


async def release(connection: Any, order_id: str, reason: str) -> None:
    """With nothing held yet, see to it that nothing will be."""
    found = await connection.fetchrow(_RESERVATION, order_id)
    if found is None:
        await connection.execute(_RELEASE_EARLY, order_id, reason)
    elif found["status"] == "reserved":
        await connection.execute(_RELEASE, order_id, *await _held(connection, order_id), reason)


async def ship(connection: Any, order_id: str) -> None:
    if await _is_still(connection, _RESERVATION, order_id, "reserved"):
        await connection.execute(_SHIP, order_id, *await _held(connection, order_id))


async def authorize(connection: Any, order: Order) -> str | None:
    """Why not, or None."""
    if found := await connection.fetchrow(_PAYMENT, order.order_id):
        return None if found["status"] in ("authorized", "captured") else str(found["reason"])
    declined = order.card == DECLINED_CARD
    paying = (order.total_cents, order.currency, order.card)
    await connection.execute(_DECLINE if declined else _AUTHORIZE, order.order_id, *paying)
    return "card_declined" if declined else None


async def void(connection: Any, order_id: str, reason: str) -> None:
    """With nothing authorized yet, see to it that nothing will be."""
    found = await connection.fetchrow(_PAYMENT, order_id)
    if found is None:
        await connection.execute(_VOID_EARLY, order_id, reason)
    elif found["status"] == "authorized":
        await connection.execute(_SETTLE, order_id, "voided", reason)


async def capture(connection: Any, order_id: str) -> None:
    if await _is_still(connection, _PAYMENT, order_id, "authorized"):
        await connection.execute(_SETTLE, order_id, "captured", None)


async def arrange(connection: Any, order_id: str, country: str) -> str | None:
    """Why not, or None."""
    if found := await connection.fetchrow(_SHIPMENT, order_id):
        return None if found["status"] == "arranged" else str(found["reason"])
    if country in NOT_SERVED:
        await connection.execute(_REFUSE, order_id)
        return "not_serviceable"
    await connection.execute(_ARRANGE, order_id, f"BAND-{order_id[:8].upper()}")
    return None


async def end(connection: Any, order_id: str, reason: str | None) -> None:
    """Confirmed, or rejected for a reason."""
    if await _is_still(connection, _ORDER, order_id, "pending"):
        status = "rejected" if reason else "confirmed"
        await connection.execute(_END, order_id, status, reason)


async def notify(connection: Any, order_id: str, customer_id: str, reason: str | None) -> None:
    """Tell the customer, and close the order."""
    if await connection.fetchrow(_TOLD, order_id):
        return
    kind = "rejected" if reason else "confirmed"
    text = f"Your order {order_id} was {kind}: {reason or 'it is on its way'}."
    await connection.execute(_TELL, order_id, customer_id, kind, text)


class Shop:
    """Each effect in a transaction of its own, after the third party's answer where it needs one.

    Of two that meet on one order, such as a reservation and its release, the slower sees the
    other's row the next time.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    async def ask(self, effect: Any, *arguments: Any) -> str | None:
        """Of an effect that may be refused: why, or None."""
        reason: str | None = await self.do(effect, *arguments)
        return reason

    async def do(self, effect: Any, *arguments: Any) -> Any:
        if effect in (authorize, arrange):
            first = arguments[0]
            await ask_third_party(first.order_id if isinstance(first, Order) else first)
        try:
            return await self._do(effect, *arguments)
        except asyncpg.UniqueViolationError:
            return await self._do(effect, *arguments)

    async def _do(self, effect: Any, *arguments: Any) -> Any:
        async with self._pool.acquire() as connection, connection.transaction():
            return await effect(connection, *arguments)

    async def place(self, order: Order, mode: str, key: str) -> None:
        async with self._pool.acquire() as connection:
            await place(connection, order, mode, key)


async def _is_still(connection: Any, query: str, order_id: str, status: str) -> bool:
    found = await connection.fetchrow(query, order_id)
    return found is not None and found["status"] == status


async def _held(connection: Any, order_id: str) -> tuple[list[str], list[int]]:
    """What is held, with its stock locked: in one order everywhere, or two would deadlock."""
    rows = await connection.fetch(_HELD, order_id)
    skus, quantities = [row["sku"] for row in rows], [row["quantity"] for row in rows]
    await connection.fetch(_LEVELS, skus)
    return skus, quantities
