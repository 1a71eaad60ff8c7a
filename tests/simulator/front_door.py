"""The order service's transactions that no message asks for: admit, cancel, switch, nudge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from services.kit.message import Epoch, Message, Mode, compose
from services.messages import HoldApproved, HoldDeclined, OrderCancelRequested, OrderPlaced
from services.order.admission import told
from services.order.deadlines import LONGEST_WAIT_SECONDS, nudge
from services.order.model import Route, Status
from tests.simulator.repositories import DEADLINE_SECONDS, OrderBook, OrderRow

if TYPE_CHECKING:
    from tests.simulator.replica import Replica

AMPLE_SECONDS = 1_000.0


def place(replica: Replica, order: OrderPlaced) -> int:
    """Admit an order on the route of this moment; asking again changes nothing."""
    with replica.database.transaction() as session:
        book: OrderBook = session.own
        if order.order_id in book.orders:
            return 0
        mode, epoch = book.route.choose(order.order_id), book.route.epoch
        row = OrderRow(order, mode, epoch, session.now + DEADLINE_SECONDS)
        session.later(lambda: book.orders.update({order.order_id: row}))
        message = compose(order, source="order", mode=mode, epoch=epoch)
        session.send([told(replica.tracing, message)])
    replica.world.note("%s admits %s to %s", replica.name, order, mode.value)
    replica.publish(session.sent)
    return 1


def cancel(replica: Replica, order: OrderPlaced) -> int:
    """As the API does it: once, and not before what was said earlier of this order."""
    with replica.database.transaction() as session:
        row: OrderRow | None = session.own.orders.get(order.order_id)
        if row is None or row.status is not Status.PENDING or row.cancel_requested:
            return 0
        session.later(lambda: setattr(row, "cancel_requested", True))
        event = OrderCancelRequested(order_id=order.order_id)
        message = compose(event, source="order", mode=row.mode, epoch=row.epoch)
        earlier = session.unsent([order.order_id])
        session.send([told(replica.tracing, message)])
    replica.world.note("%s is asked to cancel %s", replica.name, order)
    replica.publish([*earlier, *session.sent])
    return 1


def answer(replica: Replica, order: OrderPlaced, said: str) -> int:
    """As the API does it: everything that holds the order now is answered."""
    with replica.database.transaction() as session:
        row: OrderRow | None = session.own.orders.get(order.order_id)
        open_holds = row.open_holds(session.now) if row else []
        if row is None or row.status is not Status.PENDING or not open_holds:
            return 0
        now, moment = session.now, session.store.clock.moment()
        session.later(lambda: _answered(row, open_holds, said, now, moment))
        kind = HoldApproved if said == "approved" else HoldDeclined
        event = kind(order_id=order.order_id, rules=tuple(open_holds))
        attempt = row.answers + 1
        message = compose(event, source="order", mode=row.mode, epoch=row.epoch, attempt=attempt)
        earlier = session.unsent([order.order_id])
        session.send([told(replica.tracing, message)])
    replica.world.note("%s is told: %s is %s", replica.name, order, said)
    replica.publish([*earlier, *session.sent])
    return 1


def _answered(row: OrderRow, rules: list[str], said: str, now: float, moment: float) -> None:
    """A no that comes shortly before a hold is over may be heard too late."""
    in_time = min(row.held_until[rule] for rule in rules) > now + AMPLE_SECONDS
    row.declined |= said == "declined" and in_time
    row.answers += 1
    row.holds.update(dict.fromkeys(rules, said))
    row.answered_at.update(dict.fromkeys(rules, moment))
    row.deadline_at = now + DEADLINE_SECONDS


def switch(replica: Replica, mode: Mode, weight: int) -> int:
    with replica.database.transaction() as session:
        book: OrderBook = session.own
        route = Route(mode, weight, Epoch(book.route.epoch + 1))
        session.later(lambda: setattr(book, "route", route))
    replica.world.note("the route is %s to %s now", weight, mode.value)
    return 1


def nudge_overdue(replica: Replica) -> int:
    """`Deadlines.run` with its claim in memory."""
    heard = replica.world.holds_heard_until(replica.horizon)
    if heard is None:
        return 0
    with replica.database.transaction() as session:
        due = session.own.overdue(heard)
        replica.world.note_held_and_lost(due)
        records = [told(replica.tracing, _nudged(row)) for row in due]
        for row in due:
            wait = min(DEADLINE_SECONDS * 2 ** (row.nudges + 1), LONGEST_WAIT_SECONDS)
            session.later(lambda row=row, at=session.now + wait: _put_off(row, at))
        session.send(records)
    replica.publish(session.sent)
    return len(due)


def _nudged(row: OrderRow) -> Message:
    order = row.placed
    values = (order.order_id, order.customer_id, row.status.value, row.reason, row.mode)
    return nudge((*values, row.epoch, row.nudges + 1, None))


def _put_off(row: OrderRow, deadline_at: float) -> None:
    row.nudges += 1
    row.deadline_at = deadline_at
