"""Each service's own tables in memory, behind the same ports as the ones in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import psycopg

from services.inventory.model import Level, Reservation, Stock
from services.inventory.model import Status as Held
from services.kit.effects import Closed, Effects
from services.kit.message import Command, Epoch, Message, Mode, SagaId
from services.kit.participant import Answers
from services.messages import CustomerNotified, OrderPlaced, ReserveStock, StepHeld
from services.notification.model import Mailbox, Notification
from services.orchestrator.state import Path
from services.orchestrator.store import LogLine, Sagas, Stored
from services.order.model import Order, Orders, Route, Status
from services.payment.model import Entry, Payment, Payments
from services.policy.bench import Bench
from services.policy.ruling import Books, Claim, Spent
from services.shipping.model import Shipment, Shipments
from tests.simulator.database import MemorySession

DEADLINE_SECONDS = 10.0


@dataclass
class Shelves:
    levels: dict[str, Level]
    reservations: dict[SagaId, Reservation] = field(default_factory=dict)
    moves: list[tuple[SagaId, Held]] = field(default_factory=list)


class MemoryStock:
    def load(
        self, connection: MemorySession, commands: Sequence[Command], answers: Answers
    ) -> Stock:
        shelves: Shelves = connection.own
        held = _of(shelves.reservations, commands)
        baskets = [reservation.items for reservation in held.values()]
        baskets += [command.items for command in commands if isinstance(command, ReserveStock)]
        skus = {item.sku: None for items in baskets for item in items}
        known = shelves.levels
        return Stock({sku: replace(known[sku]) for sku in skus if sku in known}, held)

    def save(self, connection: MemorySession, stock: Stock) -> None:
        shelves: Shelves = connection.own
        for level in stock.levels.values():
            if min(level.on_hand, level.reserved, level.shipped) < 0:
                raise psycopg.errors.CheckViolation(f"stock may not be negative: {level}")
        connection.later(lambda: shelves.levels.update(stock.levels))
        connection.later(lambda: shelves.reservations.update(stock.reservations))
        connection.later(lambda: shelves.moves.extend(stock.moves))


@dataclass
class Accounts:
    payments: dict[SagaId, Payment] = field(default_factory=dict)
    ledger: list[Entry] = field(default_factory=list)


class MemoryPayments:
    def load(
        self, connection: MemorySession, commands: Sequence[Command], answers: Answers
    ) -> Payments:
        return Payments(answers, _of(connection.own.payments, commands))

    def save(self, connection: MemorySession, payments: Payments) -> None:
        accounts: Accounts = connection.own
        connection.later(lambda: accounts.payments.update(payments.payments))
        connection.later(lambda: accounts.ledger.extend(payments.entries))


@dataclass
class Waybills:
    shipments: dict[SagaId, Shipment] = field(default_factory=dict)
    bookings: list[SagaId] = field(default_factory=list)


class MemoryShipments:
    def load(
        self, connection: MemorySession, commands: Sequence[Command], answers: Answers
    ) -> Shipments:
        return Shipments(answers, _of(connection.own.shipments, commands))

    def save(self, connection: MemorySession, shipments: Shipments) -> None:
        waybills: Waybills = connection.own
        connection.later(lambda: waybills.shipments.update(shipments.shipments))
        connection.later(lambda: waybills.bookings.extend(shipments.bookings))


class MemoryNotifications:
    """Its table is the list of notes itself."""

    def load(
        self, connection: MemorySession, commands: Sequence[Command], answers: Answers
    ) -> Mailbox:
        notes: list[Notification] = connection.own
        orders = {command.order_id for command in commands}
        return Mailbox({note.order_id: note.kind for note in notes if note.order_id in orders})

    def save(self, connection: MemorySession, mailbox: Mailbox) -> None:
        connection.later(lambda: connection.own.extend(mailbox.sent))


@dataclass
class OrderRow:
    placed: OrderPlaced
    mode: Mode
    epoch: Epoch
    deadline_at: float
    status: Status = Status.PENDING
    reason: str | None = None
    nudges: int = 0
    cancel_requested: bool = False
    closed: bool = False
    holds: dict[str, str | None] = field(default_factory=dict)
    held_until: dict[str, float] = field(default_factory=dict)
    answered_at: dict[str, float] = field(default_factory=dict)
    answers: int = 0
    declined: bool = False

    def open_holds(self, now: float) -> list[str]:
        return [r for r, said in self.holds.items() if said is None and self.held_until[r] > now]


@dataclass
class OrderBook:
    route: Route
    orders: dict[SagaId, OrderRow] = field(default_factory=dict)
    timeline: list[tuple[SagaId, str]] = field(default_factory=list)

    def overdue(self, now: float) -> list[OrderRow]:
        """Those that only the order service's own deadline can still move."""
        return [
            row
            for row in self.orders.values()
            if not row.closed and row.mode is Mode.CHOREOGRAPHY and row.deadline_at <= now
        ]


class MemoryOrders:
    def load(
        self, connection: MemorySession, commands: Sequence[Command], answers: Answers
    ) -> Orders:
        found = _of(connection.own.orders, commands)
        return Orders(
            {
                order: Order(order, row.placed.customer_id, row.status, row.reason)
                for order, row in found.items()
            }
        )

    def save(self, connection: MemorySession, orders: Orders) -> None:
        connection.later(lambda: [_end(connection.own, order) for order in orders.ended])


def _end(book: OrderBook, order: Order) -> None:
    row = book.orders[order.order_id]
    row.status, row.reason = order.status, order.reason


def hear(connection: MemorySession, messages: Sequence[Message], effects: Effects) -> None:
    """The order service's observer: the timeline, and closing on the last word."""
    book: OrderBook = connection.own
    heard = [(message.saga_id, message.id) for message in messages]
    connection.later(lambda: book.timeline.extend(heard))
    for message in messages:
        if message.type == StepHeld.__name__:
            held = msgspec.json.decode(message.value, type=StepHeld)
            connection.later(lambda held=held: _note(book.orders[held.order_id], held))
    last = sorted({m.saga_id for m in messages if m.type == CustomerNotified.__name__})
    for order in last:
        row = book.orders[order]
        if not row.closed:
            effects.closed.append(_closed(order, row))
            connection.later(lambda row=row: setattr(row, "closed", True))


def _note(row: OrderRow, held: StepHeld) -> None:
    for rule in held.rules:
        row.holds.setdefault(rule, None)
        row.held_until.setdefault(rule, held.until)
    row.deadline_at = max(row.deadline_at, held.until + DEADLINE_SECONDS)


def _closed(order: SagaId, row: OrderRow) -> Closed:
    outcome, reason = row.status.value, row.reason
    return Closed(order, row.mode, row.epoch, outcome, reason, None, None, 0.0, 0.0, 0.0)


@dataclass
class Scores:
    sagas: dict[SagaId, Stored] = field(default_factory=dict)
    deadlines: dict[SagaId, float | None] = field(default_factory=dict)
    log: dict[tuple[SagaId, int], LogLine] = field(default_factory=dict)


class MemorySagas:
    """`deadlines` is a lower bound of the next one, as in PostgreSQL."""

    def load(self, connection: MemorySession, ids: Iterable[SagaId]) -> Sagas:
        scores: Scores = connection.own
        return _read(connection, [saga for saga in sorted(set(ids)) if saga in scores.sagas])

    def claim(self, connection: MemorySession, limit: int) -> Sagas:
        deadlines = connection.own.deadlines
        due = [s for s, at in deadlines.items() if at is not None and at <= connection.now]
        return _read(connection, due[:limit])

    def save(self, connection: MemorySession, sagas: Sagas, exact_deadlines: bool = False) -> None:
        scores: Scores = connection.own
        for line in sagas.log:
            if (line.order_id, line.turn) in scores.log:
                raise psycopg.errors.UniqueViolation("saga_log_pkey")
        lines = {(line.order_id, line.turn): line for line in sagas.log}
        connection.later(lambda: scores.log.update(lines))
        for saga in sagas.changed:
            connection.later(
                lambda saga=saga: _store(scores, saga, sagas.sagas[saga], exact_deadlines)
            )


def _read(connection: MemorySession, ids: Sequence[SagaId]) -> Sagas:
    known = connection.own.sagas
    found = {i: Stored(known[i].version, known[i].state, known[i].placed) for i in ids}
    return Sagas(connection.now, found)


def _store(scores: Scores, saga: SagaId, stored: Stored, exact: bool) -> None:
    deadline, before = stored.state.deadline, scores.deadlines.get(saga)
    if deadline is not None and before is not None and not exact:
        deadline = min(before, deadline)
    scores.sagas[saga] = Stored(stored.version, stored.state, stored.placed)
    scores.deadlines[saga] = deadline


class MemoryPolicies:
    """The rules' tables of one service, in its store."""

    def open(self, connection: MemorySession, claims: Sequence[Claim]) -> Books:
        spent = connection.store.spent
        accounts = {(c.rule, c.key): _spent(spent, c, connection.now) for c in claims}
        return Books(connection.now, accounts)

    def close(self, connection: MemorySession, bench: Bench) -> None:
        store, now = connection.store, connection.now
        new = {(each.rule, each.order_id): (each, now) for each in bench.spent}
        connection.later(lambda: store.spent.update({**new, **store.spent}))
        connection.later(lambda: store.decisions.extend(bench.minutes))

    def release(self, connection: MemorySession, orders: Sequence[SagaId]) -> None:
        spent, gone = connection.store.spent, set(orders)
        connection.later(lambda: [spent.pop(key) for key in list(spent) if key[1] in gone])


def _spent(spent: Mapping[Any, tuple[Spent, float]], claim: Claim, now: float) -> int:
    return sum(
        each.amount
        for each, at in spent.values()
        if (each.rule, each.key) == (claim.rule, claim.key) and at > now - claim.window_seconds
    )


def running(scores: Scores) -> list[SagaId]:
    return [saga for saga, stored in scores.sagas.items() if stored.state.path is not Path.ENDED]


def _of(table: Mapping[SagaId, Any], commands: Sequence[Command]) -> dict[SagaId, Any]:
    orders = sorted({command.order_id for command in commands})
    return {order: table[order] for order in orders if order in table}
