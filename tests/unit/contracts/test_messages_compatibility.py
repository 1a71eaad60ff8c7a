"""What breaks readers of messages, and what does not."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from services.contracts.compatibility import broken_messages
from services.contracts.narrowing import narrowed
from services.contracts.schemas import body_schema
from services.messages import KINDS

Document = dict[str, Any]
Change = Callable[[Document], None]
After = Callable[[Change, Document], Document]


def payload(document: Document, name: str) -> Document:
    found: Document = document["components"]["schemas"][name]
    return found


def drop_a_message(document: Document) -> None:
    del document["components"]["messages"]["StockShipped"]
    del document["channels"]["inventory.choreography.events"]["messages"]["StockShipped"]


def drop_a_topic(document: Document) -> None:
    del document["channels"]["inventory.dead-letter"]


def drop_a_required_field(document: Document) -> None:
    placed = payload(document, "OrderPlaced")
    del placed["properties"]["card"]
    placed["required"].remove("card")


def drop_a_required_field_of_a_part(document: Document) -> None:
    del payload(document, "Item")["properties"]["sku"]
    payload(document, "Item")["required"].remove("sku")


def require_a_new_field(document: Document) -> None:
    payload(document, "StockShipped")["properties"]["shelf"] = {"type": "string"}
    payload(document, "StockShipped")["required"].append("shelf")


def require_an_optional_field(document: Document) -> None:
    payload(document, "NotifyCustomer")["required"].append("reason")


def change_a_type(document: Document) -> None:
    payload(document, "OrderPlaced")["properties"]["amount_cents"] = {"type": "string"}


def raise_a_minimum(document: Document) -> None:
    payload(document, "OrderPlaced")["properties"]["amount_cents"]["minimum"] = 1


def shorten_a_text(document: Document) -> None:
    payload(document, "Item")["properties"]["sku"]["maxLength"] = 32


def bound_a_text(document: Document) -> None:
    payload(document, "OrderPlaced")["properties"]["currency"]["maxLength"] = 3


def drop_a_value(document: Document) -> None:
    payload(document, "CustomerNotified")["properties"]["outcome"]["enum"] = ["confirmed"]


def limit_to_values(document: Document) -> None:
    payload(document, "OrderPlaced")["properties"]["currency"]["enum"] = ["EUR"]


def forbid_null(document: Document) -> None:
    payload(document, "NotifyCustomer")["properties"]["reason"] = {"type": "string"}


def demand_a_pattern(document: Document) -> None:
    payload(document, "OrderPlaced")["properties"]["card"]["pattern"] = "^tok-"


def close_an_object(document: Document) -> None:
    payload(document, "Address")["additionalProperties"] = False


def require_a_header(document: Document) -> None:
    payload(document, "Headers")["required"].append("traceparent")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (drop_a_message, "StockShipped: the message is gone"),
        (drop_a_message, "inventory.choreography.events: StockShipped is no longer on it"),
        (drop_a_topic, "inventory.dead-letter: the topic is gone"),
        (drop_a_required_field, "OrderPlaced payload.card: was required and is gone"),
        (
            drop_a_required_field_of_a_part,
            "OrderPlaced payload.items[].sku: was required and is gone",
        ),
        (require_a_new_field, "StockShipped payload.shelf: is now required"),
        (require_an_optional_field, "NotifyCustomer payload.reason: is now required"),
        (change_a_type, "OrderPlaced payload.amount_cents: is now 'string', was 'integer'"),
        (raise_a_minimum, "OrderPlaced payload.amount_cents: minimum is now 1"),
        (shorten_a_text, "ReserveStock payload.items[].sku: maxLength is now 32"),
        (bound_a_text, "OrderPlaced payload.currency: maxLength is now 3"),
        (drop_a_value, "CustomerNotified payload.outcome: no longer takes 'rejected'"),
        (limit_to_values, "OrderPlaced payload.currency: no longer takes anything else"),
        (forbid_null, "NotifyCustomer payload.reason: is now 'string', was 'null'"),
        (demand_a_pattern, "OrderPlaced payload.card: pattern is now '^tok-'"),
        (close_an_object, "OrderPlaced payload.ship_to: no longer takes all other fields"),
        (require_a_header, "StockShipped headers.traceparent: is now required"),
    ],
)
def test_a_change_that_breaks_readers_is_named(
    messages: Document, after: After, change: Change, told: str
) -> None:
    assert told in list(broken_messages(messages, after(change, messages)))


def add_a_message(document: Document) -> None:
    new = copy.deepcopy(document["components"]["messages"]["StockShipped"])
    document["components"]["messages"]["StockCounted"] = new


def add_an_optional_field(document: Document) -> None:
    payload(document, "OrderPlaced")["properties"]["voucher"] = {"type": "string"}


def drop_an_optional_field(document: Document) -> None:
    del payload(document, "NotifyCustomer")["properties"]["reason"]


def no_longer_require(document: Document) -> None:
    payload(document, "OrderPlaced")["required"].remove("card")


def take_null(document: Document) -> None:
    card = {"anyOf": [{"type": "string"}, {"type": "null"}]}
    payload(document, "OrderPlaced")["properties"]["card"] = card


def take_more(document: Document) -> None:
    payload(document, "Item")["properties"]["quantity"] = {"type": "number", "minimum": 0}
    payload(document, "CustomerNotified")["properties"]["outcome"]["enum"].append("unknown")


def say_it_better(document: Document) -> None:
    payload(document, "OrderPlaced")["description"] = "An order."
    document["info"]["description"] = "Other words."


@pytest.mark.parametrize(
    "change",
    [
        add_a_message,
        add_an_optional_field,
        drop_an_optional_field,
        no_longer_require,
        take_null,
        take_more,
        say_it_better,
        lambda _: None,
    ],
)
def test_a_change_that_breaks_nobody_passes(
    messages: Document, after: After, change: Change
) -> None:
    assert list(broken_messages(messages, after(change, messages))) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_no_message_is_narrower_than_itself(kind: Any) -> None:
    schema = body_schema(kind)
    assert list(narrowed(kind.__name__, schema, schema, schema, schema)) == []
