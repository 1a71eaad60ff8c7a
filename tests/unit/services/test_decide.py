"""The conductor's mind: whatever it hears and however late, a saga ends, and ends cleanly."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from services.messages import EVENTS
from services.orchestrator.decide import (
    LONGEST_TIMEOUT_SECONDS,
    Heard,
    Started,
    TimePassed,
    decide,
)
from services.orchestrator.order_saga import ORDER
from services.orchestrator.state import Path, SagaState, StepState, StepStatus
from tests.unit.services.builders import an_order
from tests.unit.services.performance import PIVOT, TIMEOUT, Performance, Players

mishaps = st.lists(st.tuples(st.integers(0, 9), st.integers(0, 12)), max_size=60)
doomed = st.frozensets(st.sampled_from(["ReserveStock", "AuthorizePayment", PIVOT]))


def performed(doom: frozenset[str], plan: list[tuple[int, int]]) -> Performance:
    performance = Performance(Players(doom))
    performance.hear(Started())
    for what, which in plan:
        performance.mishap(what, which)
    performance.finish()
    return performance


@settings(max_examples=250)
@given(doomed, mishaps)
def test_a_saga_ends_whatever_is_lost_late_or_twice(doom, plan):
    performance = performed(doom, plan)
    assert performance.state.path is Path.ENDED
    assert performance.state.deadline is None


@settings(max_examples=250)
@given(doomed, mishaps)
def test_what_was_done_agrees_with_how_it_ended(doom, plan):
    performance = performed(doom, plan)
    did = set(performance.players.did)
    if performance.state.outcome == "confirmed":
        assert not doom
        assert {"ReserveStock", "AuthorizePayment", PIVOT, "CapturePayment", "ShipStock"} <= did
        assert {"ConfirmOrder", "NotifyCustomer"} <= did
        assert not did & {"ReleaseStock", "VoidPayment", "CancelShipment", "RejectOrder"}
    else:
        assert {"RejectOrder", "NotifyCustomer"} <= did
        assert not did & {PIVOT, "CapturePayment", "ShipStock", "ConfirmOrder"}
        assert "ReserveStock" not in did or "ReleaseStock" in did
        assert "AuthorizePayment" not in did or "VoidPayment" in did


@settings(max_examples=250)
@given(doomed, mishaps)
def test_an_order_is_never_told_to_confirm_and_to_reject(doom, plan):
    commands = {command for command, _ in performed(doom, plan).sent}
    assert len(commands & {"ConfirmOrder", "RejectOrder"}) == 1


@settings(max_examples=250)
@given(doomed, mishaps)
def test_after_the_pivot_it_goes_only_forward(doom, plan):
    performance = performed(doom, plan)
    if PIVOT in performance.players.did:
        assert performance.state.outcome == "confirmed"
        first = [name for name, _ in performance.sent].index("CapturePayment")
        after = {name for name, _ in performance.sent[first:]}
        assert not after & {"ReleaseStock", "VoidPayment", "CancelShipment", "RejectOrder"}


@settings(max_examples=250)
@given(doomed, mishaps)
def test_only_what_was_asked_for_is_undone(doom, plan):
    commands = [command for command, _ in performed(doom, plan).sent]
    for step in ORDER.steps:
        if step.undo is not None and (back := step.undo.command.__name__) in commands:
            assert step.name in commands[: commands.index(back)]


@settings(max_examples=250)
@given(doomed, mishaps)
def test_every_attempt_of_a_command_is_a_new_one(doom, plan):
    """The same id twice would be taken for a duplicate, and the question would go unheard."""
    sent = performed(doom, plan).sent
    assert max(Counter(sent).values()) == 1
    for name, _ in sent:
        attempts = [attempt for each, attempt in sent if each == name]
        assert attempts == list(range(1, len(attempts) + 1))


events = st.sampled_from([kind.__name__ for kind in EVENTS])
inputs = st.builds(Heard, events, st.none() | st.just("refused")) | st.just(TimePassed())


@given(st.lists(inputs, max_size=40))
def test_it_never_fails_on_any_events_however_absurd(heard):
    """A conductor that raises stops everybody; nonsense may lead nowhere, but not to an error."""
    performance = Performance(Players())
    performance.hear(Started())
    for one in heard:
        performance.now += 1.0
        performance.hear(one)
    assert performance.state.turn == len(heard) + 1


@given(st.lists(inputs, max_size=40))
def test_hearing_an_event_again_at_once_sends_nothing_new(heard):
    performance = Performance(Players())
    performance.hear(Started())
    for one in heard:
        performance.hear(one)
        before = list(performance.sent)
        if isinstance(one, Heard):
            performance.hear(one)
            assert performance.sent == before


@given(st.integers(1, 10_000))
def test_patience_grows_up_to_a_limit(attempt):
    state = SagaState(steps={"ReserveStock": StepState(StepStatus.UNDOING, attempt, 0.0)})
    state = SagaState(Path.UNDO, 0, state.steps, "cancelled")
    decision = decide(ORDER, an_order(), state, TimePassed(), 1.0, TIMEOUT)
    assert [send.attempt for send in decision.sends] == [attempt + 1]
    patience = decision.state.deadline - 1.0
    assert TIMEOUT < patience <= LONGEST_TIMEOUT_SECONDS


def test_without_mishaps_nothing_is_sent_twice():
    performance = performed(frozenset(), [])
    assert performance.sent == [
        ("ReserveStock", 1),
        ("AuthorizePayment", 1),
        ("ArrangeShipment", 1),
        ("CapturePayment", 1),
        ("ShipStock", 1),
        ("ConfirmOrder", 1),
        ("NotifyCustomer", 1),
    ]
    assert performance.state.outcome == "confirmed"


def test_silence_is_asked_twice_before_the_pivot_and_then_taken_for_a_failure():
    performance = Performance(Players())
    performance.hear(Started())
    performance.now = TIMEOUT
    performance.hear(TimePassed())
    assert performance.sent[2:] == [("ReserveStock", 2), ("AuthorizePayment", 2)]
    performance.now = performance.state.deadline
    performance.hear(TimePassed())
    assert performance.sent[4:] == [("ReleaseStock", 1), ("VoidPayment", 1)]
    assert performance.state.reason == "timed_out"


def test_a_shipment_that_turns_out_arranged_ends_the_way_back():
    performance = Performance(Players())
    performance.hear(Started())
    for kind in ("StockReserved", "PaymentAuthorized", "OrderCancelRequested"):
        performance.hear(Heard(kind))
    assert performance.sent[-1] == ("CancelShipment", 1)
    performance.hear(Heard("ShipmentArranged"))
    assert performance.state.path is Path.FORWARD
    assert performance.state.reason is None
    assert performance.sent[-2:] == [("CapturePayment", 1), ("ShipStock", 1)]


def test_a_cancellation_after_the_pivot_changes_nothing():
    performance = Performance(Players())
    performance.hear(Started())
    for kind in ("StockReserved", "PaymentAuthorized", "ShipmentArranged"):
        performance.hear(Heard(kind))
    before = list(performance.sent)
    performance.hear(Heard("OrderCancelRequested"))
    assert performance.sent == before
    assert performance.state.path is Path.FORWARD


def test_the_reason_travels_to_the_customer():
    performance = performed(frozenset({"AuthorizePayment"}), [])
    assert performance.state.reason == "refused"
    assert [name for name, _ in performance.sent][-2:] == ["RejectOrder", "NotifyCustomer"]
