"""Every service's API against its own contract, and what each kind of bad input is called.

The services run as processes. They may crash, stall and refuse as they are told here, since nobody
waits for an order.
"""

import json
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, assume, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from services.kit.bootstrap import EVERY_SERVICE, OPTIONAL
from tests.integration.builders import an_order_form
from tests.integration.front_door import problem
from tests.integration.service_process import BEARER, processes

CONTRACTS = Path(__file__).parents[2] / "contracts" / "openapi"
NOBODY = "00000000-0000-7000-8000-000000000000"
WRONG = {"Authorization": "Bearer something-else"}
JSON = {"Content-Type": "application/json"}
ROUTE = {"mode": "choreography", "weight": 100, "epoch": 1}
CHAOS = {"rules": [{"fault": "fail", "percent": 5}]}


@pytest.fixture(scope="module")
def everybody(ensemble, module_database_url, bootstrap, tmp_path_factory):
    """The optional ones too."""
    with processes(module_database_url, bootstrap, tmp_path_factory.mktemp("logs")) as make:
        yield ensemble | {name: make(name).start() for name in OPTIONAL}


@schemathesis.pytest.parametrize(
    **{name: schemathesis.openapi.from_path(CONTRACTS / f"{name}.json") for name in EVERY_SERVICE}
)
@settings(
    max_examples=40,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_one_that_the_contract_foresees(case, everybody):
    """No 500, and no undocumented status, content type, header or shape; what breaks the schema is
    refused. What keeps it may still be refused by the shop's rules, so that is not checked."""
    assume("crash" not in str(case.body))
    service = everybody[case.operation.schema.raw_schema["info"]["title"].split()[-1]]
    case.call_and_validate(
        base_url=str(service.http.base_url),
        headers=BEARER,
        excluded_checks=[positive_data_acceptance],
    )


def items(*skus, quantity=1):
    return {"items": [{"sku": sku, "quantity": quantity} for sku in skus]}


def living_in(**changes):
    return {"ship_to": {**an_order_form()["ship_to"], **changes}}


BAD_ORDERS = {
    "no such SKU": (items("guitar", "kazoo"), "unknown-sku"),
    "an SKU that is none": (items("../etc"), "invalid-request"),
    "an empty basket": (items(), "invalid-request"),
    "a huge basket": (items(*["guitar"] * 51), "invalid-request"),
    "too many of one": (items("guitar", quantity=101), "invalid-request"),
    "none of one": (items("guitar", quantity=0), "invalid-request"),
    "a negative amount": (items("guitar", quantity=-1), "invalid-request"),
    "half a guitar": (items("guitar", quantity=0.5), "invalid-request"),
    "a truth for an amount": (items("guitar", quantity=True), "invalid-request"),
    "a text for an amount": (items("guitar", quantity="1"), "invalid-request"),
    "more than any number": (items("guitar", quantity=10**400), "invalid-request"),
    "another currency": ({"currency": "USD"}, "unsupported-currency"),
    "a currency that is none": ({"currency": "eur"}, "invalid-request"),
    "a card number": ({"card": "4111111111111111"}, "invalid-request"),
    "a country that is none": (living_in(country="Germany"), "invalid-request"),
    "what no database keeps": (living_in(name="El\u0000la"), "invalid-request"),
    "half a character": (living_in(name="\ud800"), "invalid-request"),
    "an address that is too long": (living_in(city="x" * 101), "invalid-request"),
    "nobody": ({"customer_id": ""}, "invalid-request"),
    "a price of one's own": ({"total_cents": 1}, "invalid-request"),
}


@pytest.mark.parametrize("bad", BAD_ORDERS)
def test_an_order_that_cannot_be_is_refused(everybody, bad):
    changes, expected = BAD_ORDERS[bad]
    body = json.dumps(an_order_form(**changes))
    answer = everybody["order"].http.post("/orders", content=body, headers=JSON)
    assert (answer.status_code, problem(answer)) == (422, expected)


BAD_BODIES = {
    "nothing": b"",
    "no JSON": b"{",
    "JSON and more": b"{} {}",
    "no object": b"[]",
    "a hole": b"null",
    "no text": b"\xff\xfe\x00",
    "a depth without end": b"[" * 100_000,
}


@pytest.mark.parametrize("bad", BAD_BODIES)
@pytest.mark.parametrize(
    ("service", "method", "path"),
    [
        ("order", "POST", "/orders"),
        ("order", "PUT", "/coordination"),
        ("inventory", "POST", "/stock/guitar/restock"),
        ("payment", "PUT", "/faults"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused(everybody, service, method, path, bad):
    answer = everybody[service].http.request(
        method, path, content=BAD_BODIES[bad], headers={**BEARER, **JSON}
    )
    assert (answer.status_code, problem(answer)) == (422, "invalid-request")


BAD_REQUESTS = [
    ("order", "POST", "/orders", {"headers": {"Idempotency-Key": "a b"}}, 422, "invalid-request"),
    ("order", "GET", f"/orders/{NOBODY}", {}, 404, "unknown-order"),
    ("order", "GET", "/orders/17", {}, 422, "invalid-request"),
    ("order", "POST", f"/orders/{NOBODY}/cancel", {}, 404, "unknown-order"),
    ("order", "GET", "/orders?limit=0", {}, 422, "invalid-request"),
    ("order", "GET", "/orders?limit=501", {}, 422, "invalid-request"),
    ("order", "GET", "/orders?cursor=here", {}, 422, "invalid-request"),
    ("order", "GET", "/orders?status=lost", {}, 422, "invalid-request"),
    ("order", "GET", "/orders?open=ajar", {}, 422, "invalid-request"),
    ("order", "GET", "/orders?mode=polka", {}, 422, "invalid-request"),
    ("order", "PUT", "/coordination", {"json": ROUTE}, 401, "token-missing"),
    ("order", "PUT", "/coordination", {"json": ROUTE, "headers": WRONG}, 403, "token-wrong"),
    ("inventory", "GET", "/stock/kazoo", {}, 404, "unknown-sku"),
    ("inventory", "GET", "/stock/a%20kazoo", {}, 422, "invalid-request"),
    ("inventory", "POST", "/stock/guitar/restock", {"json": {"quantity": 1}}, 401, "token-missing"),
    ("inventory", "GET", f"/reservations/{NOBODY}", {}, 404, "unknown-order"),
    ("payment", "GET", f"/payments/{NOBODY}", {}, 404, "unknown-order"),
    ("shipping", "GET", f"/shipments/{NOBODY}", {}, 404, "unknown-order"),
    ("notification", "GET", "/notifications", {}, 422, "invalid-request"),
    ("orchestrator", "GET", f"/sagas/{NOBODY}", {}, 404, "unknown-saga"),
    ("orchestrator", "GET", "/sagas?status=lost", {}, 422, "invalid-request"),
    ("saga-tracker", "GET", f"/sagas/{NOBODY}", {}, 404, "unknown-saga"),
    ("saga-tracker", "GET", "/sagas?cursor=here", {}, 422, "invalid-request"),
    *((name, "PUT", "/faults", {"json": CHAOS}, 401, "token-missing") for name in EVERY_SERVICE),
    *((name, "GET", "/no/such/page", {}, 404, "not-found") for name in EVERY_SERVICE),
    *((name, "DELETE", "/faults", {}, 405, "method-not-allowed") for name in EVERY_SERVICE),
]


@pytest.mark.parametrize(("service", "method", "path", "more", "status", "expected"), BAD_REQUESTS)
def test_a_bad_request_is_called_what_it_is(
    everybody, service, method, path, more, status, expected
):
    answer = everybody[service].http.request(method, path, **more)
    assert (answer.status_code, problem(answer)) == (status, expected)


PRIVILEGED = [
    ("order", "PUT", "/coordination", {**ROUTE, "epoch": 10**9}, 409, "stale-epoch"),
    ("order", "PUT", "/coordination", {**ROUTE, "epoch": 2**31}, 422, "invalid-request"),
    ("order", "PUT", "/coordination", {**ROUTE, "weight": 101}, 422, "invalid-request"),
    ("order", "PUT", "/coordination", {**ROUTE, "weight": False}, 422, "invalid-request"),
    ("order", "PUT", "/coordination", {**ROUTE, "mode": "polka"}, 422, "invalid-request"),
    ("inventory", "POST", "/stock/kazoo/restock", {"quantity": 1}, 404, "unknown-sku"),
    ("inventory", "POST", "/stock/guitar/restock", {"quantity": -1}, 422, "invalid-request"),
    ("inventory", "POST", "/stock/guitar/restock", {"quantity": 10**7}, 422, "invalid-request"),
    ("payment", "PUT", "/faults", {"rules": [{"fault": "explode", "percent": 5}]}, 422, None),
    ("payment", "PUT", "/faults", {"rules": [{"fault": "fail", "percent": 101}]}, 422, None),
    ("payment", "PUT", "/faults", {"rules": CHAOS["rules"] * 65}, 422, None),
    ("payment", "PUT", "/faults", {"seed": 2**63}, 422, None),
]


@pytest.mark.parametrize(("service", "method", "path", "body", "status", "expected"), PRIVILEGED)
def test_nonsense_is_nonsense_with_the_right_token_too(
    everybody, service, method, path, body, status, expected
):
    answer = everybody[service].http.request(method, path, json=body, headers=BEARER)
    assert (answer.status_code, problem(answer)) == (status, expected or "invalid-request")
