"""The auditor: finds what was planted, and accuses nobody else."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.message import Mode
from services.policy.audit import audit
from services.policy.evidence import PROCESS, Answer, Kind
from services.policy.rulebook import EXAMPLE
from services.policy.steps import OWNERS
from tests.unit.services.histories import (
    APPLIED,
    EVENTS,
    EVERYWHERE,
    ONE,
    a_history,
    accused,
    an_era,
)

MODES = pytest.mark.parametrize("mode", Mode)


@MODES
def test_a_denied_step_that_was_done_is_found(mode):
    assert accused([an_era({})], a_history(mode)) == [
        ("AuthorizePayment", "rule-0", Kind.BYPASS, 1)
    ]


@MODES
def test_what_was_under_way_when_the_rule_came_is_not_accused(mode):
    assert accused([an_era({})], a_history(mode, at=APPLIED - 0.05)) == []


@MODES
def test_what_was_done_before_the_point_knew_has_slipped(mode):
    found = accused([an_era({})], a_history(mode, at=APPLIED + 0.5))
    assert found == [("AuthorizePayment", "rule-0", Kind.SLIPPED, 1)]


def test_a_point_that_never_acknowledged_has_let_it_slip():
    era = an_era({}, points={"orchestrator": EVERYWHERE})
    assert accused([era], a_history())[0][2] is Kind.SLIPPED
    assert accused([era], a_history(Mode.ORCHESTRATION))[0][2] is Kind.BYPASS


def test_rules_that_only_look_accuse_nobody_and_rules_that_are_gone_neither():
    assert accused([an_era({"mode": "audit"})], a_history()) == []
    assert accused([an_era({}), an_era(version=2, at=150.0)], a_history()) == []


@MODES
def test_a_requirement_is_judged_by_the_order_of_events(mode):
    era = an_era({"effect": "require", "after": ["StockReserved"]})
    assert accused([era], a_history(mode)) == []
    early = a_history(mode, PaymentAuthorized=200.05, StockReserved=200.15)
    assert [rule for _, rule, *_ in accused([era], early)] == ["rule-0"]


@MODES
@pytest.mark.parametrize("rule", [{"when": "facts.StockReserved"}, {"after": ["StockReserved"]}])
def test_a_rule_that_waits_for_a_fact_accuses_nobody_by_a_guess_at_what_was_known(mode, rule):
    """Its point has let through only what it denies, or was never to have begun."""
    rule = {**rule, "when": f"order.amount_cents > 1 && {rule.get('when', 'true')}"}
    early = {"PaymentAuthorized": 200.05, "StockReserved": 200.15}
    for events in ({}, early):
        assert len(accused([an_era(rule)], a_history(mode, **events))) == 1
        cheap = msgspec.structs.replace(EXAMPLE, amount_cents=1)
        assert accused([an_era(rule)], a_history(mode, order=cheap, **events)) == []


@MODES
def test_who_acts_before_anybody_can_have_asked_is_found_without_any_rule(mode):
    unasked = a_history(mode, PaymentCaptured=200.25)
    assert accused([], unasked) == [("CapturePayment", PROCESS, Kind.BYPASS, 0)]


@MODES
def test_a_held_step_needs_an_answer_in_time(mode):
    era = an_era({"name": "look", "effect": "hold", "hold": {"seconds": 1, "silence": "deny"}})
    approved = Answer("look", 201.0, "approved", 200.1)
    assert accused([era], a_history(mode, answers=[approved])) == []
    for answer in (
        [],
        [Answer("look", 201.0)],
        [Answer("look", 201.0, "declined", 200.1)],
        [Answer("look", 201.0, "approved", 200.9)],
    ):
        assert len(accused([era], a_history(mode, answers=answer))) == 1, answer


def test_silence_that_allows_does_so_only_when_the_time_is_over():
    era = an_era({"name": "look", "effect": "hold", "hold": {"seconds": 0.1, "silence": "allow"}})
    assert accused([era], a_history(answers=[Answer("look", 200.1)])) == []
    assert len(accused([era], a_history(answers=[Answer("look", 200.3)]))) == 1


@pytest.mark.parametrize("on_error", ["open", "closed"])
@pytest.mark.parametrize("effect", [{}, {"effect": "limit", "limit": ONE}])
def test_an_order_that_is_too_much_for_the_evaluator_is_as_its_rule_says(effect, on_error):
    cubic = "order.items.all(a, order.items.all(b, order.items.all(c, true)))"
    era = an_era({**effect, "when": cubic, "onError": on_error})
    big = msgspec.structs.replace(EXAMPLE, items=EXAMPLE.items * 25)
    found = accused([era], a_history(order=big))
    assert [kind for _, _, kind, _ in found] == ([Kind.BYPASS] if on_error == "closed" else [])


@MODES
@pytest.mark.parametrize(("answered_at", "is_found"), [(201.0, True), (256.0, False)])
def test_what_was_declined_in_time_is_not_excused_by_silence(mode, answered_at, is_found):
    """An answer shortly before the end may be on its way still."""
    era = an_era({"name": "look", "effect": "hold", "hold": {"seconds": 60, "silence": "allow"}})
    answer = Answer("look", 260.0, "declined", answered_at)
    events = dict(zip(EVENTS[1:], (260.1, 260.2, 260.3, 260.4), strict=True))
    found = accused([era], a_history(mode, answers=[answer], **events))
    assert bool(found) is is_found


HELD = {"name": "look", "effect": "hold", "hold": {"seconds": 3_600}}
WAITS = {"name": "first", "effect": "require", "after": ["StockReserved"]}
CHANGED, LATE = 300.0, 1_000.0
AFTER_IT = {"ShipmentArranged": LATE + 0.2, "PaymentCaptured": LATE + 0.3, "StockShipped": LATE + 1}


def kept_waiting(mode, rule, until=LATE):
    """By a hold or for a fact; the event that ended it came at `until`."""
    answers = [Answer("look", CHANGED + 3_600.0, "approved", until)] if rule is HELD else []
    reserved = {"StockReserved": until} if rule is WAITS else {}
    events = AFTER_IT | reserved | {"PaymentAuthorized": until + 0.1}
    return a_history(mode, answers=answers, **events)


@MODES
@pytest.mark.parametrize("rule", [HELD, WAITS])
def test_what_was_kept_waiting_until_the_rules_had_changed_is_judged_by_the_new_ones(mode, rule):
    eras = [an_era(rule), an_era(rule, {}, version=2, at=CHANGED)]
    assert accused(eras, kept_waiting(mode, rule)) == [
        ("AuthorizePayment", "rule-1", Kind.BYPASS, 2)
    ]
    slipped = accused(eras, kept_waiting(mode, rule, until=CHANGED + 0.5))
    assert [kind for *_, kind, _ in slipped] == [Kind.SLIPPED]


@MODES
@pytest.mark.parametrize("rule", [HELD, WAITS])
def test_what_went_on_before_the_rules_changed_or_never_waited_is_not_accused(mode, rule):
    eras = [an_era(rule), an_era(rule, {}, version=2, at=CHANGED)]
    assert accused(eras, kept_waiting(mode, rule, until=CHANGED - 1.0)) == []
    never = [an_era({**rule, "when": "false"}), eras[1]]
    assert accused(never, kept_waiting(mode, rule)) == []


LOOK = {"name": "look", "effect": "hold", "hold": {"seconds": 1, "silence": "allow"}}
TAKES = {"atMost": 1_000, "windowSeconds": 50, "sum": "order.amount_cents"}
AN_HOUR = 3_600.0
OVER_IT = {
    "answered": AN_HOUR,
    "PaymentAuthorized": AN_HOUR + 0.1,
    "ShipmentArranged": AN_HOUR + 0.2,
    "PaymentCaptured": AN_HOUR + 0.3,
    "StockShipped": AN_HOUR + 0.3,
}
SILENCE = {**OVER_IT, "answered": AN_HOUR - 60.0, "until": AN_HOUR}
WRONGS = {
    "nothing": {"sku": "violin"},
    "a denied step": {"sku": "drums"},
    "an unanswered hold": {"sku": "piano"},
    "a declined hold": {"sku": "piano", "answers": "declined"},
    "a limit that it went beyond": {"sku": "tuba", "cents": 1_001},
    "a limit that it just kept": {"sku": "tuba", "cents": 1_000},
    "an order turned round": {"sku": "violin", "PaymentAuthorized": 0.05},
    "a step that nobody asked for": {"sku": "violin", "PaymentCaptured": 0.25},
    "a join that was not waited for": {"sku": "violin", "ShipmentArranged": 0.15},
    "an approved hold": {"sku": "piano", "answers": "approved"},
    "held over a change": {"sku": "harp", "answers": "approved", **OVER_IT},
    "waited over a change": {"sku": "flute", "StockReserved": OVER_IT["answered"], **OVER_IT},
    "held, and no change": {"sku": "piano", "answers": "approved", **OVER_IT},
    "declined, then done in silence": {"sku": "oboe", "answers": "declined", **SILENCE},
}
INNOCENT = (
    "nothing",
    "an approved hold",
    "a limit that it just kept",
    "held, and no change",
)
planted = st.tuples(st.sampled_from(sorted(WRONGS)), st.sampled_from(Mode), st.floats(110, 1_000))


def a_history_with(number, wrong, mode, at):
    """An order with so much wrong with it, and no more."""
    given = dict(WRONGS[wrong])
    item = msgspec.structs.replace(EXAMPLE.items[0], sku=given.pop("sku"))
    answer, answered_at = given.pop("answers", None), at + given.pop("answered", 0.15)
    until = at + given.pop("until", answered_at - at + 0.85)
    answers = [Answer("look", until, answer, answered_at)] if answer else []
    order = msgspec.structs.replace(
        EXAMPLE,
        items=(item,),
        customer_id=f"c-{number}",
        amount_cents=given.pop("cents", EXAMPLE.amount_cents),
    )
    events = {kind: at + after for kind, after in given.items()}
    return a_history(mode, at, number, answers, order, **events)


def about(*skus):
    return f"order.items.exists(item, item.sku in {list(skus)})"


@given(st.lists(planted, max_size=20))
def test_all_that_is_planted_is_found_and_nothing_else(orders):
    """In both modes, whatever is wrong: by a rule of each effect, or by the process itself."""
    rules = [
        {"when": about("drums")},
        {**LOOK, "when": about("piano", "harp", "oboe")},
        {"effect": "require", "after": ["StockReserved"]},
        {"effect": "limit", "limit": TAKES, "when": about("tuba")},
    ]
    changed = an_era(*rules, {"when": about("harp", "flute")}, version=2, at=2_000.0)
    histories = [a_history_with(n, *each) for n, each in enumerate(orders)]
    found = audit([an_era(*rules), changed], histories)
    guilty = {f"order-{n}" for n, (wrong, *_) in enumerate(orders) if wrong not in INNOCENT}
    assert {violation.order_id for violation in found.violations} == guilty
    assert {violation.kind for violation in found.violations} <= {Kind.BYPASS}
    assert (found.orders, found.guarded) == (len(orders), len(orders))


def test_coverage_is_the_share_of_steps_under_a_rule():
    found = audit([an_era({"when": "false"})], [a_history()])
    assert (found.steps, found.guarded, found.coverage) == (len(OWNERS), 1, 1 / len(OWNERS))
    assert audit([], []).coverage is None


GONE = dict.fromkeys(EVENTS[1:])


@MODES
def test_a_step_that_a_rule_refused_was_under_it(mode):
    """In orchestration nobody is asked for it, so no event tells of it, but the order's reason."""
    refused = {"PaymentDeclined": 200.2} if mode is Mode.CHOREOGRAPHY else {}
    order = msgspec.structs.replace(a_history(mode, **GONE, **refused), reason="policy:rule-0")
    found = audit([an_era({})], [order])
    assert (found.steps, found.guarded, found.violations) == (2, 1, [])


@MODES
def test_what_its_owner_refused_was_decided_and_what_nobody_refused_was_not(mode):
    declined = a_history(mode, **GONE, PaymentDeclined=200.2)
    cancelled = a_history(mode, **GONE, number=2)
    found = audit([an_era({"guards": "ReserveStock"})], [declined, cancelled])
    assert (found.steps, found.guarded) == (3, 2)
