"""Switching by compare-and-set."""

import httpx
import msgspec
import pytest

from lab.api import Api, ProblemError
from lab.coordination import route as route_module
from lab.coordination.route import Route, read_route, switch
from lab.errors import NotReadyError
from services.kit.message import Mode


class OrderService:
    """Keeps a route; `rivals` others switch, each just before we do."""

    def __init__(self, rivals=0):
        self.epoch, self.mode, self.weight = 1, "orchestration", 100
        self.rivals = rivals

    def __call__(self, request):
        if request.method == "PUT":
            wish = msgspec.json.decode(request.content)
            if self.rivals:
                self.rivals -= 1
                self.epoch += 1
            if wish["epoch"] != self.epoch:
                problem = {"title": "Stale epoch", "detail": f"the epoch is {self.epoch}"}
                return httpx.Response(409, json=problem)
            self.epoch += 1
            self.mode, self.weight = wish["mode"], wish["weight"]
        return httpx.Response(
            200,
            json={
                "mode": self.mode,
                "weight": self.weight,
                "epoch": self.epoch,
                "changed_at": "2026-11-23T10:00:00Z",
                "open": [{"mode": "orchestration", "epoch": 1, "orders": 3}],
            },
        )


def api(service):
    return Api("http://shop", "token", httpx.MockTransport(service))


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(route_module, "PAUSE_SECONDS", 0)


def test_a_switch_names_the_epoch_it_saw():
    said = []
    after = switch(api(OrderService()), Mode.CHOREOGRAPHY, 30, said.append)
    assert (after.mode, after.weight, after.epoch) == (Mode.CHOREOGRAPHY, 30, 2)
    assert said == []


def test_a_rivals_switch_is_not_overruled_silently():
    said = []
    after = switch(api(OrderService(rivals=1)), Mode.CHOREOGRAPHY, 100, said.append)
    assert after.epoch == 3
    assert said == ["somebody else switched after epoch 1; reading the route again"]


def test_rivals_without_end_are_an_error():
    with pytest.raises(ProblemError, match="Stale epoch: the epoch is"):
        switch(api(OrderService(rivals=99)), Mode.CHOREOGRAPHY, 100, lambda _: None)


def test_a_service_that_does_not_answer_is_named():
    def refuse(_request):
        raise httpx.ConnectError("connection refused")

    with pytest.raises(NotReadyError, match="http://shop/coordination: connection refused"):
        read_route(api(refuse))


def a_route(weight, mode=Mode.CHOREOGRAPHY):
    return Route(mode, weight, 1, msgspec.convert("2026-11-23T10:00:00Z", type=object), [])


@pytest.mark.parametrize(
    ("weight", "left"), [(100, {Mode.ORCHESTRATION}), (0, {Mode.CHOREOGRAPHY}), (30, set())]
)
def test_a_mode_is_left_when_its_share_is_nought(weight, left):
    assert {mode for mode in Mode if a_route(weight).leaves(mode)} == left
