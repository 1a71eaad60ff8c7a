"""What breaks clients of an API, and what does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from services.contracts.compatibility import broken_api

Document = dict[str, Any]
Change = Callable[[Document], None]
After = Callable[[Change, Document], Document]


def schema_of(document: Document, name: str) -> Document:
    found: Document = document["components"]["schemas"][name]
    return found


def drop_an_operation(document: Document) -> None:
    del document["paths"]["/orders/{order_id}/cancel"]["post"]


def require_a_parameter(document: Document) -> None:
    new = {"in": "query", "name": "tenant", "required": True, "schema": {"type": "string"}}
    document["paths"]["/orders"]["get"]["parameters"].append(new)


def narrow_a_parameter(document: Document) -> None:
    parameters = document["paths"]["/orders"]["get"]["parameters"]
    (limit,) = [each for each in parameters if each["name"] == "limit"]
    limit["schema"]["maximum"] = 100


def require_more_of_a_request(document: Document) -> None:
    schema_of(document, "NewOrder")["properties"]["phone"] = {"type": "string"}
    schema_of(document, "NewOrder")["required"].append("phone")


def take_less_in_a_request(document: Document) -> None:
    del schema_of(document, "NewRoute")["properties"]["weight"]


def ask_for_a_body(document: Document) -> None:
    body = {"content": {"application/json": {"schema": {"type": "object"}}}}
    document["paths"]["/orders/{order_id}/cancel"]["post"]["requestBody"] = body


def answer_less(document: Document) -> None:
    schema_of(document, "Accepted")["required"].remove("epoch")


def answer_something_new(document: Document) -> None:
    schema_of(document, "Accepted")["properties"]["status"]["enum"].append("queued")


def answer_nothing(document: Document) -> None:
    del document["paths"]["/orders"]["get"]["responses"]["200"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (drop_an_operation, "POST /orders/{order_id}/cancel: the operation is gone"),
        (require_a_parameter, "GET /orders query tenant: is now required"),
        (narrow_a_parameter, "GET /orders query limit: maximum is now 100"),
        (require_more_of_a_request, "POST /orders request.phone: is now required"),
        (take_less_in_a_request, "PUT /coordination request.weight: is no longer taken"),
        (ask_for_a_body, "POST /orders/{order_id}/cancel request: a body is now required"),
        (answer_less, "POST /orders 202, as old clients read it.epoch: is now required"),
        (
            answer_something_new,
            "POST /orders 202, as old clients read it.status: no longer takes 'queued'",
        ),
        (answer_nothing, "GET /orders 200: the answer is gone"),
    ],
)
def test_a_change_that_breaks_clients_is_named(
    order_api: Document, after: After, change: Change, told: str
) -> None:
    assert told in list(broken_api(order_api, after(change, order_api)))


def add_an_operation(document: Document) -> None:
    document["paths"]["/carts"] = {"get": {"responses": {}}}


def answer_more(document: Document) -> None:
    schema_of(document, "Accepted")["properties"]["currency"] = {"type": "string"}
    schema_of(document, "Accepted")["required"].append("currency")


def take_more_in_a_request(document: Document) -> None:
    schema_of(document, "NewOrder")["properties"]["voucher"] = {"type": "string"}


@pytest.mark.parametrize("change", [add_an_operation, answer_more, take_more_in_a_request])
def test_a_change_that_breaks_no_client_passes(
    order_api: Document, after: After, change: Change
) -> None:
    assert list(broken_api(order_api, after(change, order_api))) == []
