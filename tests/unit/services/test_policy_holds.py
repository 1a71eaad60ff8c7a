"""What a hold comes to, in both modes: by an answer, by silence, whatever becomes of its rule."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.committed import Teller
from services.kit.message import Mode
from services.messages import (
    HoldApproved,
    HoldDeclined,
    OrderCancelRequested,
    OrderExpired,
    PaymentAuthorized,
    StockRejected,
    StockReserved,
)
from services.policy.ruling import Verdict
from tests.unit.services.builders import ORDER_ID, an_order
from tests.unit.services.points import Company, Point, a_book

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


@pytest.mark.parametrize("silence", ["allow", "deny"])
def test_what_waited_for_silence_waited_for_no_reader_meanwhile(monkeypatch, silence):
    done = []
    monkeypatch.setattr(Teller, "tell", lambda _, told, *__: done.extend(told.effects.handled))
    look = {**LOOK, "hold": {"seconds": 60, "silence": silence}}
    a_held_order(Mode.CHOREOGRAPHY, look).waits_until(61.0)
    a_held_order(Mode.CHOREOGRAPHY, look).hears(answered("approved"))
    steps = [(each.message.type, each.held_until) for each in done]
    assert steps == [("OrderPlaced", 60.0), ("HoldApproved", 0.0)]


@MODES
def test_silence_about_a_rule_that_is_gone_lets_the_order_go_on(mode):
    company = a_held_order(mode)
    company.hears(RESERVED)
    company.takes(a_book(version=2))
    company.waits_until(59.9)
    assert company.outcome() is None
    company.waits_until(61.0)
    assert company.outcome() == "authorized"


@MODES
@pytest.mark.parametrize(
    ("silence", "said", "end"),
    [("allow", "declined", "authorized"), ("deny", "approved", "denied")],
)
def test_an_answer_that_is_heard_after_the_end_is_too_late_whenever_it_was_given(
    mode, silence, said, end
):
    """Its point cannot know that it is on its way."""
    company = a_held_order(mode, {**LOOK, "hold": {"seconds": 60, "silence": silence}})
    company.hears(RESERVED)
    company.waits_until(60.01)
    company.hears(answered(said))
    assert company.outcome() == end


def test_a_hold_that_is_over_is_no_deadline_any_more():
    """Or the saga would be claimed again and again, to no end."""
    company = a_held_order(Mode.ORCHESTRATION)
    company.hears(RESERVED)
    company.takes(a_book(version=2))
    company.waits_until(61.0)
    (stored,) = company.decider.store.own.sagas.values()
    assert stored.state.deadline > 61.0


def test_who_holds_an_order_does_not_take_it_for_lost_until_the_hold_is_over():
    """The order service may say so before it has heard of the hold."""
    shipping = Point("shipping", Mode.CHOREOGRAPHY, a_book({**LOOK, "guards": "ArrangeShipment"}))
    authorized = PaymentAuthorized(order_id=ORDER_ID, amount_cents=1)
    shipping.hears(an_order(), RESERVED, authorized)
    assert shipping.hears(OrderExpired(order_id=ORDER_ID)) == []
    assert shipping.waits_until(61.0) == ["ShipmentRefused"]
    assert shipping.hears(OrderExpired(order_id=ORDER_ID), attempt=2) == ["ShipmentRefused"]


def test_a_hold_that_is_over_while_its_step_waits_for_a_fact_keeps_no_order_for_ever():
    rule = {**LOOK, "guards": "AuthorizePayment"}
    shipping = Point("shipping", Mode.CHOREOGRAPHY, a_book(rule))
    shipping.hears(an_order())
    assert shipping.hears(OrderExpired(order_id=ORDER_ID)) == ["ShipmentCancelled"]


AN_HOUR = {"seconds": 3_600, "silence": "allow"}
REJECTED = StockRejected(order_id=ORDER_ID, reason="out_of_stock")


@pytest.mark.parametrize("batches", ["OR", "RO", "O R", "R O"])
@pytest.mark.parametrize("are_rules_gone", [False, True])
def test_an_order_that_goes_back_is_held_no_longer_and_nobody_is_asked_about_it(
    batches, are_rules_gone
):
    """Whichever is heard first; a drain waits for what is parked."""
    payment = Point("payment", Mode.CHOREOGRAPHY, a_book({**LOOK, "hold": AN_HOUR}))
    for number, batch in enumerate(batches.split()):
        if are_rules_gone and number:
            payment.rules.take(a_book(version=2))
        payment.hears(*({"O": an_order(), "R": REJECTED}[each] for each in batch))
    assert payment.store.parked == {}
    told = payment.told[:]
    payment.hears(answered("approved"))
    payment.waits_until(3_601.0)
    assert payment.told == told
    assert payment.says("PaymentVoided")
    if (batches, are_rules_gone) != ("R O", True):
        assert payment.spy.asked == []


def test_an_order_that_is_cancelled_while_shipping_holds_it_is_let_go():
    rule = {**LOOK, "guards": "ArrangeShipment", "hold": AN_HOUR}
    shipping = Point("shipping", Mode.CHOREOGRAPHY, a_book(rule))
    shipping.hears(an_order(), RESERVED, PaymentAuthorized(order_id=ORDER_ID, amount_cents=1))
    assert shipping.hears(OrderCancelRequested(order_id=ORDER_ID)) == ["ShipmentCancelled"]
    assert shipping.store.parked == {}
    assert shipping.waits_until(3_601.0) == []
    assert shipping.spy.asked == []


@pytest.mark.parametrize("said", ["approved", "declined"])
@pytest.mark.parametrize("batches", ["OA", "AO", "A O", "O A"])
def test_an_answer_counts_whenever_it_is_heard(batches, said):
    """Also one that another point got, when the rule was about its step: nobody is asked twice."""
    company, events = Company(Mode.CHOREOGRAPHY, a_book(LOOK)), {"O": an_order()}
    events["A"] = answered(said)
    for batch in batches.split():
        company.hears(*(events[each] for each in batch))
    assert company.outcome() == {"approved": "authorized", "declined": "denied"}[said]
    assert company.payment.store.parked == {}


seconds = st.sampled_from([10.0, 60.0, 3_600.0])
silence = st.sampled_from(["deny", "allow"])
holds = st.lists(st.tuples(seconds, silence), min_size=1, max_size=3)
moments = st.lists(
    st.tuples(st.sampled_from([5.0, 30.0, 100.0, 4_000.0]), st.sampled_from(["", "yes", "no"])),
    unique_by=lambda each: each[0],
)


def course_of(mode, rules, what_comes):
    """Who holds until when, and what has become of the order by each of these moments."""
    company, course = a_held_order(mode, *rules), []
    company.hears(RESERVED)
    for attempt, (moment, said) in enumerate(sorted(what_comes), start=1):
        company.waits_until(moment)
        open_now = [rule for rule, until in company.holds() if until > moment and said]
        for rule in open_now[:1]:
            company.hears(
                answered("approved" if said == "yes" else "declined", rule), attempt=attempt
            )
        course.append(company.outcome())
    company.waits_until(4_001.0)
    return company.holds(), course, company.outcome()


@given(holds, moments)
def test_of_several_holds_each_ends_by_itself_and_at_the_same_time_in_both_modes(drawn, what_comes):
    """The first that refuses ends it, however long the others might last."""
    rules = [
        {**LOOK, "name": f"look-{number}", "hold": {"seconds": lasts, "silence": means}}
        for number, (lasts, means) in enumerate(drawn)
    ]
    conductor, player = (course_of(mode, rules, what_comes) for mode in Mode)
    assert conductor == player
    assert conductor[0] == [(f"look-{n}", lasts) for n, (lasts, _) in enumerate(drawn)]
    assert conductor[2] is not None
