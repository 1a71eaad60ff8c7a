"""Where a saga stands, concluded from its events: held against what the services really do."""

import logging
from collections import defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from services.kit.message import Mode
from services.messages import EVENTS
from services.saga_tracker.model import (
    AWAITED,
    END,
    NO_PROGRESS,
    Heard,
    awaited,
    hold_of,
    holds,
    outcome,
    reason,
)
from services.saga_tracker.tracker import OBSERVED
from tests.simulator.simulate import simulate

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
SCHEDULES = 150


def sagas_of_the_band(seed):
    """Each saga's events, in the order in which they were told."""
    world = simulate(seed)
    told = defaultdict(list)
    for log in world.broker.logs.values():
        for message in (entry.message for entry in log if entry.message):
            if message.mode is Mode.CHOREOGRAPHY and message.type in OBSERVED:
                told[message.saga_id].append(message)
    for messages in told.values():
        yield [each.type for each in sorted(messages, key=lambda each: each.time)]


def owners(kinds):
    return {event.channel for event in EVENTS if event.__name__ in kinds}


@pytest.fixture(scope="module")
def sagas():
    logging.disable(logging.CRITICAL)
    yield [saga for seed in range(SCHEDULES) for saga in sagas_of_the_band(seed)]
    logging.disable(logging.NOTSET)


def test_the_band_has_played_enough_to_judge_by(sagas):
    assert len(sagas) > SCHEDULES / 2
    assert {outcome(saga) for saga in sagas} == {"confirmed", "rejected"}
    answers = {"HoldApproved", "HoldDeclined"}  # what is held, and whether, is the rules' affair
    assert {event for saga in sagas for event in saga} | answers == OBSERVED


def test_an_ended_saga_waits_for_nothing(sagas):
    assert {awaited(saga) for saga in sagas} == {()}


def test_whoever_an_open_saga_is_said_to_wait_for_does_speak(sagas):
    """Whatever was heard before, however often: somebody who is waited for is among those who are
    still to speak, to the good or to the bad."""
    for saga in sagas:
        for heard in range(1, len(saga)):
            left = set(saga[heard:]) - set(saga[:heard]) - {NO_PROGRESS}
            if left and END not in saga[:heard]:
                assert owners(left) & owners(awaited(saga[:heard])), (saga[:heard], left)


def test_only_events_that_there_are_can_be_waited_for():
    assert set(AWAITED) < set(EVENTS)


def at(seconds):
    return NOON + timedelta(seconds=seconds)


def a_hold(seconds=1, until=60):
    return Heard(at(seconds), rules=("big-orders",), until=at(until))


ON_PAYMENT, ON_SHIPMENT = hold_of("AuthorizePayment"), hold_of("ArrangeShipment")


@pytest.mark.parametrize(
    ("heard", "steps"),
    [
        ({ON_PAYMENT: a_hold()}, ["AuthorizePayment"]),
        (
            {ON_PAYMENT: a_hold(), hold_of("ReserveStock"): a_hold()},
            ["AuthorizePayment", "ReserveStock"],
        ),
        ({ON_PAYMENT: a_hold(), "HoldApproved": Heard(at(2))}, []),
        (
            {ON_PAYMENT: a_hold(), "HoldApproved": Heard(at(2)), ON_SHIPMENT: a_hold(3)},
            ["ArrangeShipment"],
        ),
        ({ON_PAYMENT: a_hold(until=4)}, []),
        ({ON_PAYMENT: a_hold(), "ShipmentCancelled": Heard(at(2), "cancelled")}, []),
        ({"OrderPlaced": Heard(NOON)}, []),
    ],
)
def test_a_hold_lasts_until_it_is_answered_or_over(heard, steps):
    assert [hold.step for hold in holds(heard, at(5))] == steps


def test_the_first_reason_counts():
    """What fails later is a consequence."""
    heard = {
        "PaymentVoided": Heard(NOON + timedelta(seconds=2), "out_of_stock"),
        "StockRejected": Heard(NOON, "out_of_stock"),
        "ShipmentCancelled": Heard(NOON + timedelta(seconds=1), "later"),
    }
    assert reason(heard) == "out_of_stock"
    assert reason({"OrderPlaced": Heard(NOON)}) is None
