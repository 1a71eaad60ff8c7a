"""Orders and messages with defaults; a test names only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from services.kit.message import Body, Command, Epoch, Message, Mode, SagaId, compose
from services.kit.session import OutboxRow
from services.kit.violations import Violation
from services.kit.wire import Record, to_record
from services.messages import Address, Item, OrderPlaced

ORDER_ID = SagaId("00000000-0000-4000-8000-000000000001")


def order_id(number: int) -> SagaId:
    return SagaId(str(UUID(int=number, version=4)))


def an_order(
    order: SagaId = ORDER_ID,
    total: int = 39_900,
    items: tuple[Item, ...] = (Item("guitar", 1),),
    card: str = "tok-visa",
    country: str = "DE",
) -> OrderPlaced:
    return OrderPlaced(
        order_id=order,
        customer_id="c-0001",
        items=items,
        amount_cents=total,
        currency="EUR",
        card=card,
        ship_to=Address("Ella", country, "Berlin", "10115"),
    )


def a_message(
    body: Body | None = None, mode: Mode = Mode.CHOREOGRAPHY, attempt: int = 1, **how: Any
) -> Message:
    how = {"source": "test", "epoch": Epoch(1), **how}
    return compose(body or an_order(), mode=mode, attempt=attempt, **how)


def a_record(key: SagaId = ORDER_ID, attempt: int = 1) -> Record:
    return to_record(a_message(an_order(key), attempt=attempt))


def a_row(number: int, key: SagaId = ORDER_ID) -> OutboxRow:
    return OutboxRow(number, a_record(key, number))


def tried(handler: Callable[..., Any], command: Command, state: Any) -> Any:
    """What is said, or that it would break a rule."""
    try:
        return handler(command, state)
    except Violation as violation:
        return str(violation)


order_ids = st.builds(order_id, st.integers(1, 3))
reasons = st.sampled_from(["cancelled", "timed_out"])
