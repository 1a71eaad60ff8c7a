"""The saga-tracker as a process: what it makes of events, and that nobody depends on it."""

import time
from itertools import pairwise

import psycopg
import pytest

from services.kit.message import Mode
from services.messages import (
    CustomerNotified,
    HoldApproved,
    OrderConfirmed,
    OrderExpired,
    PaymentAuthorized,
    PaymentCaptured,
    ShipmentArranged,
    StepHeld,
    StockReserved,
    StockShipped,
)
from tests.integration.broker import forget_everything
from tests.integration.builders import a_message, a_placed_order, an_id
from tests.integration.traffic import send
from tests.integration.waiting import eventually

PATIENCE_SECONDS = 4
LONG_AGO = """
UPDATE saga_tracker.sagas SET progressed_at = now() - interval '31 days' WHERE order_id = %s
"""


@pytest.fixture
def tracker(make_service, bootstrap):
    forget_everything(bootstrap)
    return make_service("saga-tracker", tracker_patience_seconds=str(PATIENCE_SECONDS)).start()


def story(order_id):
    """A confirmed order's events, as far as the tracker is concerned."""
    return [
        a_placed_order(order_id),
        StockReserved(order_id=order_id),
        PaymentAuthorized(order_id=order_id, amount_cents=39_900),
        ShipmentArranged(order_id=order_id, tracking="T-1"),
        PaymentCaptured(order_id=order_id, amount_cents=39_900),
        StockShipped(order_id=order_id),
        OrderConfirmed(order_id=order_id, customer_id="c-1"),
        CustomerNotified(order_id=order_id, outcome="confirmed"),
    ]


def tell(bootstrap, *bodies, mode=Mode.CHOREOGRAPHY, attempt=1):
    send(bootstrap, *(a_message(body, mode, attempt) for body in bodies))


def saga(tracker, order_id):
    answer = tracker.http.get(f"/sagas/{order_id}")
    return answer.json() if answer.is_success else None


def when(tracker, order_id, **wanted):
    def as_wanted():
        found = saga(tracker, order_id)
        return found if found and wanted.items() <= found.items() else None

    return eventually(as_wanted, f"{order_id} with {wanted}")


def stuck(tracker):
    return {each["order_id"] for each in tracker.http.get("/sagas?status=stuck").json()["sagas"]}


def test_a_saga_is_followed_to_its_end(tracker, bootstrap):
    order_id = an_id()
    events = story(order_id)
    tell(bootstrap, *events[:3])
    found = when(tracker, order_id, awaits=["ShipmentArranged"])
    assert (found["status"], found["outcome"], found["closed_at"]) == ("running", None, None)
    tell(bootstrap, *events[3:])
    found = when(tracker, order_id, status="ended")
    assert (found["outcome"], found["reason"], found["awaits"]) == ("confirmed", None, [])
    assert {each["type"] for each in found["heard"]} == {type(each).__name__ for each in events}
    times = [each["at"] for each in found["heard"]]
    assert all(earlier <= later for earlier, later in pairwise(times))
    measured = "bandstand_tracker_lag_seconds_count"
    eventually(lambda: tracker.metric(measured, mode="choreography") == len(events), "all count")


def test_a_silent_saga_is_stuck_and_being_asked_about_is_no_progress(tracker, bootstrap):
    silent, ended = an_id(), an_id()
    tell(bootstrap, *story(silent)[:3], *story(ended))
    eventually(lambda: stuck(tracker) == {silent}, "the silent one alone is stuck")
    waiting = {"mode": "choreography", "event": "ShipmentArranged"}
    name = "bandstand_tracked_sagas_waiting"
    eventually(lambda: tracker.metric(name, **waiting) == 1, "its metric says what is missing")
    tell(bootstrap, OrderExpired(order_id=silent))
    eventually(lambda: len(saga(tracker, silent)["heard"]) == 4, "the deadline was heard")
    assert stuck(tracker) == {silent}
    tell(bootstrap, *story(silent)[3:])
    when(tracker, silent, status="ended")
    assert stuck(tracker) == set()


def test_a_saga_that_a_rule_holds_is_held_and_not_stuck(tracker, bootstrap):
    order_id = an_id()
    until = time.time() + 60
    held = StepHeld(
        order_id=order_id, step="AuthorizePayment", rules=("big",), version=1, until=until
    )
    tell(bootstrap, *story(order_id)[:2], held)
    eventually(lambda: (saga(tracker, order_id) or {}).get("holds"), "the hold was heard")
    time.sleep(PATIENCE_SECONDS + 1)
    found = saga(tracker, order_id)
    assert found["status"] == "running"
    assert [(each["step"], each["rules"]) for each in found["holds"]] == [
        ("AuthorizePayment", ["big"])
    ]
    held = {"mode": "choreography", "state": "held"}
    eventually(lambda: tracker.metric("bandstand_tracked_sagas", **held) == 1, "it is counted")
    tell(bootstrap, HoldApproved(order_id=order_id, rules=("big",)))
    when(tracker, order_id, status="stuck", holds=[], awaits=["PaymentAuthorized"])
    assert "StepHeld" in {each["type"] for each in saga(tracker, order_id)["heard"]}


def test_what_is_said_twice_out_of_order_or_while_it_is_away_comes_to_the_same(tracker, bootstrap):
    order_id = an_id()
    events = story(order_id)
    tracker.stop()
    tell(bootstrap, *reversed(events))
    tell(bootstrap, *events)
    tell(bootstrap, *events, attempt=2)
    tracker.start()
    found = when(tracker, order_id, status="ended")
    assert len(found["heard"]) == len(events)


def test_a_saga_whose_end_was_missed_is_not_stuck_for_good(tracker, bootstrap, database_url):
    missed, silent, ended = an_id(), an_id(), an_id()
    tell(bootstrap, *story(missed)[:3], *story(silent)[:3], *story(ended))
    eventually(lambda: stuck(tracker) == {missed, silent}, "two do not get on")
    tracker.stop()
    with psycopg.connect(database_url) as connection:
        for order_id in (missed, ended):
            connection.execute(LONG_AGO, (order_id,))
    tracker.start()
    eventually(lambda: stuck(tracker) == {silent}, "one is given up")
    assert saga(tracker, missed) is None
    assert saga(tracker, ended)["status"] == "ended"
    assert tracker.metric("bandstand_rows_pruned_total", table="sagas") == 1


def test_conducted_sagas_are_the_orchestrators_business(tracker, bootstrap):
    conducted, band = an_id(), an_id()
    tell(bootstrap, *story(conducted), mode=Mode.ORCHESTRATION)
    tell(bootstrap, *story(band))
    when(tracker, band, status="ended")
    assert saga(tracker, conducted) is None
    assert tracker.http.get(f"/sagas/{conducted}").json()["type"].endswith("unknown-saga")
    pages = tracker.http.get("/sagas?limit=1").json()
    assert [each["order_id"] for each in pages["sagas"]] == [band]
