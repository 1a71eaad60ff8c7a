"""A customer changes their mind, before the pivot and after it, in either mode."""

import pytest

from lab.demo.stage import on_stage
from lab.faults import set_faults
from lab.measure.scrape import instances
from lab.verify.invariants import verify
from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode
from tests.integration.builders import an_order_form
from tests.integration.waiting import a_client, eventually

SLOW_MS = 4_500  # a customer has this long to cancel; shorter than a step's timeout


@pytest.fixture
def stage(stack):
    """Without faults afterwards, and with every promise kept."""
    with on_stage(stack) as stage:
        try:
            yield stage
        finally:
            stage.set_faults(Catalogue())
        assert stage.await_quiet(60)
        assert all(each.holds for each in verify(stage.database))


@pytest.fixture
def slow(stack):
    """`slow("CapturePayment")`: whoever does this takes its time."""

    def slow(command):
        rule = Rule(Fault.DELAY, 100, command=command, delay_ms=SLOW_MS)
        set_faults(instances(stack).values(), stack.token, Catalogue(rules=(rule,)))

    return slow


@pytest.fixture
def customer(stack):
    with a_client(stack.services["order"].url) as client:
        yield Customer(client)


class Customer:
    def __init__(self, http):
        self._http = http
        self._at = ""

    def order(self):
        answer = self._http.post("/orders", json=an_order_form())
        self._at = answer.headers["location"]
        return answer.json()

    def cancel(self):
        return self._http.post(f"{self._at}/cancel").status_code

    def sees(self):
        return self._http.get(self._at).json()

    def hears_of(self, *kinds):
        seen = {each["type"] for each in self.sees()["timeline"]}
        return seen >= set(kinds)

    def sees_the_end(self):
        return eventually(lambda: found if (found := self.sees())["closed_at"] else None, "its end")


@pytest.mark.parametrize("mode", Mode)
def test_before_the_pivot_everything_is_undone(stage, slow, customer, mode):
    stage.switch(mode)
    slow("ArrangeShipment")
    assert customer.order()["mode"] == mode
    eventually(
        lambda: customer.hears_of("StockReserved", "PaymentAuthorized"), "only shipping lacks"
    )
    assert customer.cancel() == 202
    order = customer.sees_the_end()
    assert (order["status"], order["reason"], order["mode"]) == ("rejected", "cancelled", mode)
    assert customer.hears_of("ShipmentCancelled", "StockReleased", "PaymentVoided")
    assert not customer.hears_of("ShipmentArranged")
    assert customer.cancel() == 409


@pytest.mark.parametrize("mode", Mode)
def test_after_the_pivot_it_is_too_late_and_nothing_is_undone(stage, slow, customer, mode):
    stage.switch(mode)
    slow("CapturePayment")
    assert customer.order()["mode"] == mode
    eventually(lambda: customer.hears_of("ShipmentArranged"), "it is shipped")
    assert customer.sees()["status"] == "pending"
    assert customer.cancel() == 202
    order = customer.sees_the_end()
    assert (order["status"], order["reason"], order["mode"]) == ("confirmed", None, mode)
    assert order["cancel_requested_at"] < order["ended_at"]
    assert not customer.hears_of("ShipmentCancelled")
    assert customer.cancel() == 409
