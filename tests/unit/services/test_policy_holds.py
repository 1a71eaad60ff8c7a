"""What a hold comes to, in both modes: by an answer, by silence, whatever becomes of its rule."""

import pytest

from services.kit.message import Mode
from services.messages import HoldApproved, HoldDeclined, StockReserved
from services.policy.bench import Verdict
from tests.unit.services.builders import ORDER_ID, an_order
from tests.unit.services.points import Company, a_book

MODES = pytest.mark.parametrize("mode", Mode)
LOOK = {"name": "look", "guards": "AuthorizePayment", "effect": "hold", "hold": {"seconds": 60}}
RESERVED = StockReserved(order_id=ORDER_ID)
CHANGES = {
    "gone": [],
    "another name": [{**LOOK, "name": "another"}],
    "another step": [{**LOOK, "guards": "ReserveStock"}],
    "never true": [{**LOOK, "when": "false"}],
    "only looking": [{**LOOK, "mode": "audit"}],
    "another effect": [{**LOOK, "effect": "deny", "when": "false"}],
    "still there": [LOOK],
}


def answered(said, rule="look"):
    kind = HoldApproved if said == "approved" else HoldDeclined
    return kind(order_id=ORDER_ID, rules=(rule,))


def a_held_order(mode, *rules):
    company = Company(mode, a_book(*(rules or [LOOK])))
    company.hears(an_order())
    assert company.outcome() is None
    return company


@MODES
@pytest.mark.parametrize("change", CHANGES)
def test_a_no_is_a_no_whatever_has_become_of_the_rule(mode, change):
    company = a_held_order(mode)
    company.takes(a_book(*CHANGES[change], version=2))
    company.hears(answered("declined"))
    assert company.outcome() == "denied"
    assert company.decider.said("AuthorizePayment")["look"] is Verdict.DENIED


@MODES
@pytest.mark.parametrize("change", CHANGES)
def test_a_hold_lasts_until_there_is_an_answer_whatever_has_become_of_the_rule(mode, change):
    company = a_held_order(mode)
    company.takes(a_book(*CHANGES[change], version=2))
    company.hears(RESERVED)
    company.waits_until(59.0)
    assert company.outcome() is None
    company.hears(answered("approved"))
    company.hears(answered("approved", "another"), attempt=2)
    assert company.outcome() == "authorized"


@MODES
def test_silence_about_a_rule_that_is_gone_lets_the_order_go_on(mode):
    company = a_held_order(mode)
    company.hears(RESERVED)
    company.takes(a_book(version=2))
    company.waits_until(59.9)
    assert company.outcome() is None
    company.waits_until(61.0)
    assert company.outcome() == "authorized"


def test_a_hold_that_is_over_is_no_deadline_any_more():
    """Or the saga would be claimed again and again, to no end."""
    company = a_held_order(Mode.ORCHESTRATION)
    company.hears(RESERVED)
    company.takes(a_book(version=2))
    company.waits_until(61.0)
    (stored,) = company.decider.store.own.sagas.values()
    assert stored.state.deadline > 61.0


ALL_HELD = {**LOOK, "guards": "OrderPlaced"}


@pytest.mark.parametrize("said", ["approved", "declined"])
@pytest.mark.parametrize("batches", ["OA", "AO", "A O", "O A"])
def test_an_answer_that_another_points_hold_got_counts_whenever_it_is_heard(batches, said):
    """A rule holds the order, at several points: nobody is asked twice."""
    company, events = Company(Mode.CHOREOGRAPHY, a_book(ALL_HELD)), {"O": an_order()}
    events["A"] = answered(said)
    for batch in batches.split():
        company.hears(*(events[each] for each in batch))
    assert company.outcome() == {"approved": "authorized", "declined": "denied"}[said]
    assert company.payment.store.parked == {}
