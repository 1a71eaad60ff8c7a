"""Deciding a step: every effect, whose word counts more, errors, limits."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.message import Mode, SagaId
from services.kit.metrics import Metrics
from services.policy.bench import Bench, claims
from services.policy.rulebook import EXAMPLE, compile_rules
from services.policy.rules import RuleSet, read_rules
from services.policy.ruling import Books, Case, Held, Verdict, answered
from services.policy.steps import PLACED

NOW = 1_000.0
STEP = "AuthorizePayment"
CUBIC = "order.items.all(a, order.items.all(b, order.items.all(c, true)))"
BIG = msgspec.structs.replace(EXAMPLE, items=EXAMPLE.items * 25)


def a_book(*rules):
    filled = [
        {"name": f"rule-{n}", "guards": STEP, "effect": "deny", **r} for n, r in enumerate(rules)
    ]
    return compile_rules(RuleSet(7, read_rules(filled)))


def a_case(order=EXAMPLE, facts=(), holds=None, saga="order-1"):
    known = frozenset({PLACED, *facts})
    return Case(SagaId(saga), Mode.CHOREOGRAPHY, STEP, order, known, holds or {})


def decided(book, case=None, now=NOW):
    bench = Bench(Books(now))
    return bench.decide(book, case or a_case()), bench


def test_without_a_rule_about_the_step_it_is_allowed_and_nothing_is_written():
    ruling, bench = decided(a_book({"guards": "ReserveStock"}))
    assert ruling.verdict is Verdict.ALLOWED
    assert (bench.minutes, bench.seconds) == ([], [])


def test_a_denial_names_the_rule_and_is_written_with_its_version_and_facts():
    ruling, bench = decided(a_book({"name": "no"}), a_case(facts=["StockReserved"]))
    assert (ruling.verdict, ruling.reason) == (Verdict.DENIED, "policy:no")
    (minute,) = bench.minutes
    assert (minute.rule, minute.version, minute.outcome) == ("no", 7, Verdict.DENIED)
    assert minute.facts == (PLACED, "StockReserved")


def test_a_rule_in_audit_mode_writes_what_it_would_have_said_and_stops_nothing():
    ruling, bench = decided(a_book({"mode": "audit"}))
    assert ruling.verdict is Verdict.ALLOWED
    assert [(m.outcome, m.enforced) for m in bench.minutes] == [(Verdict.DENIED, False)]


@pytest.mark.parametrize(("on_error", "verdict"), [("closed", "denied"), ("open", "allowed")])
def test_an_error_closes_or_opens_as_the_rule_says_and_is_counted(on_error, verdict):
    ruling, bench = decided(a_book({"when": "1 / 0 > 0", "onError": on_error}))
    assert ruling.verdict == verdict
    assert [minute.failed for minute in bench.minutes] == [True]
    metrics = Metrics("payment")
    metrics.tell_decisions(bench)
    labels = {"mode": "choreography", "rule": "rule-0"}
    assert metrics.registry.get_sample_value("bandstand_policy_errors_total", labels) == 1


@pytest.mark.parametrize(("on_error", "verdict"), [("closed", "denied"), ("open", "allowed")])
def test_so_does_an_order_that_is_too_much_for_the_evaluator(on_error, verdict):
    ruling, bench = decided(a_book({"when": CUBIC, "onError": on_error}), a_case(BIG))
    assert ruling.verdict == verdict
    assert [minute.failed for minute in bench.minutes] == [True]


def test_so_does_one_whose_account_is_too_much_to_find():
    limit = {"atMost": 1, "windowSeconds": 60, "per": f"{CUBIC} ? 'a' : 'b'"}
    book = a_book({"effect": "limit", "limit": limit, "onError": "open"})
    assert claims(book, [(STEP, BIG)]) == []
    ruling, bench = decided(book, a_case(BIG))
    assert (ruling.verdict, bench.spent) == (Verdict.ALLOWED, [])


def test_a_requirement_waits_and_then_lets_through():
    book = a_book({"effect": "require", "after": ["StockReserved"]})
    assert decided(book)[0].verdict is Verdict.WAITING
    assert decided(book, a_case(facts=["StockReserved"]))[0].verdict is Verdict.ALLOWED


@pytest.mark.parametrize("effect", ["deny", "hold", "require"])
def test_a_fact_that_an_expression_names_is_waited_for_before_it_is_asked(effect):
    book = a_book({"effect": effect, "when": "facts.StockReserved", "after": ["StockReserved"]})
    ruling, bench = decided(book)
    assert (ruling.verdict, bench.minutes) == (Verdict.WAITING, [])
    said = {"deny": Verdict.DENIED, "hold": Verdict.HELD, "require": Verdict.ALLOWED}
    assert decided(book, a_case(facts=["StockReserved"]))[0].verdict is said[effect]


def test_a_rule_that_only_looks_waits_for_nothing_and_says_that_it_would_have():
    ruling, bench = decided(a_book({"mode": "audit", "when": "facts.StockReserved"}))
    assert ruling.verdict is Verdict.ALLOWED
    said = [(m.outcome, m.why, m.failed) for m in bench.minutes]
    assert said == [(Verdict.WAITING, "waits for StockReserved", False)]


def test_a_hold_begins_once_and_ends_by_an_answer_or_by_silence():
    book = a_book({"name": "look", "effect": "hold", "hold": {"seconds": 60, "silence": "allow"}})
    ruling, bench = decided(book)
    assert (ruling.verdict, ruling.fresh) == (Verdict.HELD, ("look",))
    assert ruling.holds == {"look": Held(NOW + 60, step=STEP)}
    assert len(bench.minutes) == 1
    again, bench = decided(book, a_case(holds=ruling.holds))
    assert (again.verdict, again.fresh, bench.minutes) == (Verdict.HELD, (), [])
    for answer, verdict in (("approved", Verdict.ALLOWED), ("declined", Verdict.DENIED)):
        holds = answered(ruling.holds, ["look"], answer)
        assert decided(book, a_case(holds=holds))[0].verdict is verdict
    silent, _ = decided(book, a_case(holds=ruling.holds), now=NOW + 60)
    assert (silent.verdict, silent.holds["look"].answer) == (Verdict.ALLOWED, "silence")


def test_the_first_answer_stands():
    holds = answered({"look": Held(1.0, "approved")}, ["look"], "declined")
    assert holds["look"].answer == "approved"


EFFECTS = {
    "denied": {"effect": "deny"},
    "waiting": {"effect": "require", "after": ["StockReserved"]},
    "held": {"effect": "hold"},
    "allowed": {"effect": "deny", "when": "false"},
}


@given(st.lists(st.sampled_from(sorted(EFFECTS)), min_size=1, max_size=6))
def test_no_beats_wait_beats_hold_beats_yes_in_whatever_order_they_are_written(kinds):
    ruling, bench = decided(a_book(*(EFFECTS[kind] for kind in kinds)))
    expected = next(v for v in ("denied", "waiting", "held", "allowed") if v in kinds)
    assert ruling.verdict == expected
    said = [minute.outcome for minute in bench.minutes]
    assert Verdict.WAITING not in said
    assert (Verdict.HELD in said) == (expected == "held")


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 50)), max_size=30),
    st.integers(0, 100),
)
def test_what_passes_a_limit_never_adds_up_to_more_and_what_is_denied_would_have(orders, most):
    limit = {"atMost": most, "windowSeconds": 60, "sum": "order.amount_cents"}
    book = a_book({"name": "most", "effect": "limit", "limit": limit})
    bench, passed = Bench(Books(NOW)), {"a": 0, "b": 0}
    for number, (customer, cents) in enumerate(orders):
        order = msgspec.structs.replace(EXAMPLE, customer_id=customer, amount_cents=cents)
        ruling = bench.decide(book, a_case(order, saga=f"order-{number}"))
        assert (ruling.verdict is Verdict.ALLOWED) == (passed[customer] + cents <= most)
        passed[customer] += cents if ruling.verdict is Verdict.ALLOWED else 0
    assert sum(spent.amount for spent in bench.spent) == sum(passed.values())


def test_a_limit_asks_for_the_accounts_that_it_will_look_at_in_one_order_for_all():
    limit = {"atMost": 1, "windowSeconds": 60}
    book = a_book({"name": "most", "effect": "limit", "limit": limit})
    orders = [msgspec.structs.replace(EXAMPLE, customer_id=name) for name in ("z", "a", "z")]
    found = claims(book, [(STEP, order) for order in orders])
    assert [(claim.rule, claim.key) for claim in found] == [("most", "a"), ("most", "z")]


def test_an_order_that_is_refused_for_another_reason_takes_nothing_from_a_limit():
    limit = {"name": "most", "effect": "limit", "limit": {"atMost": 1, "windowSeconds": 60}}
    _, bench = decided(a_book(limit, {"effect": "deny"}))
    assert bench.spent == []
