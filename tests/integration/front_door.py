"""The order service's API as its customers and whoever steers it use it."""

from typing import Any

import httpx

from tests.integration.builders import an_order_form
from tests.integration.service_process import BEARER, ServiceProcess

CONTENT_TYPE = "application/problem+json"
URN = "urn:bandstand:problem:"


def place(desk: ServiceProcess, key: str | None = None, **changes: object) -> httpx.Response:
    headers = {} if key is None else {"Idempotency-Key": key}
    return desk.http.post("/orders", json=an_order_form(**changes), headers=headers)


def placed(desk: ServiceProcess, **changes: object) -> Any:
    answer = place(desk, **changes)
    assert answer.status_code == 202, answer.text
    return answer.json()


def coordination(desk: ServiceProcess) -> Any:
    return desk.http.get("/coordination").json()


def switch(
    desk: ServiceProcess,
    mode: str,
    epoch: int,
    weight: int = 100,
    headers: dict[str, str] = BEARER,
) -> httpx.Response:
    wish = {"mode": mode, "weight": weight, "epoch": epoch}
    return desk.http.put("/coordination", json=wish, headers=headers)


def switched(desk: ServiceProcess, mode: str, weight: int = 100) -> int:
    """The epoch that began with it."""
    answer = switch(desk, mode, coordination(desk)["epoch"], weight)
    assert answer.status_code == 200, answer.text
    return answer.json()["epoch"]


def problem(answer: httpx.Response) -> str:
    """Its name, once it was seen to be a problem in the form that RFC 9457 asks for."""
    found = answer.json()
    assert answer.headers["content-type"] == CONTENT_TYPE, answer.text
    assert found["status"] == answer.status_code
    assert found["title"]
    assert found["type"].startswith(URN)
    return found["type"].removeprefix(URN)
