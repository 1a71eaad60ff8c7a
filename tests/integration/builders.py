"""Orders and messages as tests want them, with defaults for what they do not care about."""

from uuid import uuid4

from services.kit.message import Body, Epoch, Message, Mode, SagaId, compose
from services.kit.wire import Record, to_record
from services.messages import Address, AuthorizePayment, Item, OrderPlaced, ReserveStock

BERLIN = Address(name="Ella", country="DE", city="Berlin", postcode="10115")


def an_id() -> SagaId:
    return SagaId(str(uuid4()))


def a_placed_order(order_id: SagaId | None = None, quantity: int = 1) -> OrderPlaced:
    return OrderPlaced(
        order_id=order_id or an_id(),
        customer_id="c-1",
        items=(Item("guitar", quantity),),
        amount_cents=39_900 * quantity,
        currency="EUR",
        card="tok-visa",
        ship_to=BERLIN,
    )


def a_reservation(
    order_id: SagaId | None = None, quantity: int = 1, sku: str = "guitar"
) -> ReserveStock:
    return ReserveStock(order_id=order_id or an_id(), items=(Item(sku, quantity),))


def an_authorization(order_id: SagaId, card: str = "tok-visa") -> AuthorizePayment:
    return AuthorizePayment(
        order_id=order_id, customer_id="c-1", amount_cents=39_900, currency="EUR", card=card
    )


def a_message(
    body: Body, mode: Mode = Mode.ORCHESTRATION, attempt: int = 1, epoch: int = 1
) -> Message:
    return compose(body, source="test", mode=mode, epoch=Epoch(epoch), attempt=attempt)


def a_record(key: str, number: int = 1, topic: str = "inventory.events") -> Record:
    """The `number`th thing that was said about `key`."""
    message_id = f"{key}:StockReserved:{number}"
    headers = [("ce_id", message_id.encode())]
    return Record(topic, key, message_id, Mode.CHOREOGRAPHY, headers, b"{}")


def an_order_form(**changes: object) -> dict[str, object]:
    """The body of `POST /orders`."""
    return {
        "customer_id": "c-0017",
        "items": [{"sku": "guitar", "quantity": 1}],
        "card": "tok-visa",
        "currency": "EUR",
        "ship_to": {"name": "Ella", "country": "DE", "city": "Berlin", "postcode": "10115"},
        **changes,
    }


def as_sent(message: Message) -> tuple[str, bytes, list[tuple[str, bytes]]]:
    """Value and headers of a message on its way."""
    record = to_record(message)
    return record.key, record.value, record.headers
