"""Rules as data: what is taken, what is refused, and where the mistake is."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.inventory.service import PLAYBOOK as INVENTORY
from services.kit.problems import Problem
from services.orchestrator.order_saga import ORDER
from services.order.policies import checked
from services.payment.service import PLAYBOOK as PAYMENT
from services.policy.cel import TRUTH, Compiled, EvaluationError
from services.policy.rulebook import EMPTY, EXAMPLE, Rules, compile_rules, context
from services.policy.rules import Effect, RuleError, RuleSet, read_rules
from services.policy.steps import (
    CAUSES,
    DONE,
    FACTS,
    OWNERS,
    PLACED,
    REFUSABLE,
    established,
    guarded_by,
    possible_before,
)
from services.shipping.service import PLAYBOOK as SHIPPING

ROOT = Path(__file__).parents[3]
ONE = {"atMost": 1, "windowSeconds": 1}
MANY = f"[{', '.join(['1'] * 100)}]"
TOO_MUCH = f"{MANY}.all(a, {MANY}.all(b, a == b || true))"
PLAYBOOKS = {"inventory": INVENTORY, "payment": PAYMENT, "shipping": SHIPPING}


def a_rule(**changes):
    return {"name": "a-rule", "guards": "AuthorizePayment", "effect": "deny", **changes}


def refused(*rules):
    with pytest.raises(RuleError) as error:
        compile_rules(RuleSet(1, read_rules(list(rules))))
    return str(error.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"when": "order.amount_cents >"}, "a-rule: when: line 1, column 21: Syntax error"),
        ({"when": "true &&\n  order."}, "a-rule: when: line 2, column 9: Syntax error"),
        ({"when": "bogus(order)"}, "line 1, column 6: undeclared reference to 'bogus'"),
        ({"when": "customer == 'c'"}, "line 1, column 1: undeclared reference to 'customer'"),
        ({"when": "1 + 1"}, "a-rule: when: is INT, not BOOL"),
        (
            {"when": "order.amont_cents > 1"},
            'example order: NOT_FOUND: Key not found in map : "amont',
        ),
        (
            {"when": TOO_MUCH},
            "a-rule: when: does not work on an example order: INTERNAL: Iteration",
        ),
        (
            {"effect": "limit", "limit": {**ONE, "sum": f"{TOO_MUCH} ? 1 : 2"}},
            "a-rule: limit.sum: does not work on an example order: INTERNAL: Iteration budget",
        ),
        (
            {"when": "true ||\n  facts.StokReserved"},
            "a-rule: when: line 2, column 8: undeclared reference to 'facts.StokReserved'; "
            "what can be known here is facts.OrderPlaced, facts.StockReserved",
        ),
        ({"when": "facts.ShipmentArranged"}, "line 1, column 6: undeclared reference to"),
        ({"when": "facts.PaymentAuthorized"}, "known here is facts.OrderPlaced, facts.StockRes"),
        ({"when": "'StockReserved' in facts"}, "line 1, column 20: undeclared reference to"),
        ({"when": "size(facts) > 1"}, "line 1, column 6: undeclared reference to 'facts'"),
        (
            {"effect": "limit", "limit": {**ONE, "sum": "facts.StockShipped ? 1 : 2"}},
            "a-rule: limit.sum: line 1, column 6: undeclared reference to 'facts.StockShipped'",
        ),
        ({"guards": "NotifyCustomer"}, "guards: NotifyCustomer is neither of ReserveStock"),
        ({"guards": "CapturePayment"}, "mode: CapturePayment is after the pivot"),
        ({"after": ["StockShipped"]}, "after: StockShipped can only come later"),
        ({"after": ["OrderExpired"]}, "after: OrderExpired is not a fact"),
        ({"effect": "require"}, "after: say which facts are required"),
        ({"effect": "limit"}, "limit: is what the effect limit needs"),
        (
            {"effect": "limit", "guards": "OrderPlaced", "limit": ONE},
            "guards: OrderPlaced stands for 3 steps; a limit counts at one",
        ),
        (
            {"effect": "hold", "guards": "OrderPlaced"},
            "a-rule: guards: OrderPlaced stands for 3 steps; a hold is at one",
        ),
        ({"effect": "shrug"}, "Invalid enum value 'shrug'"),
        ({"surprise": 1}, "unknown field `surprise`"),
        ({"name": "No Name"}, "$[0].name"),
    ],
)
def test_a_mistake_is_named_with_its_place(changes, told):
    assert told in refused(a_rule(**changes))


def test_the_order_service_refuses_what_is_too_much_for_the_evaluator():
    with pytest.raises(Problem) as refusal:
        checked([a_rule(when=TOO_MUCH)])
    assert refusal.value.status == 422


def test_two_rules_that_wait_for_each_other_are_refused():
    first = a_rule(name="a", effect="require", after=["StockReserved"])
    second = a_rule(name="b", effect="require", guards="ReserveStock", after=["PaymentAuthorized"])
    assert "can only come later" in refused(first, second)
    assert len(read_rules([first])) == len(read_rules([second])) == 1


def test_waiting_for_a_fact_that_is_named_counts_as_waiting():
    first = a_rule(name="a", when="facts.StockReserved")
    second = a_rule(name="b", guards="ReserveStock", when="facts.PaymentAuthorized")
    assert "a: after: StockReserved can only come later" in refused(first, second)
    looks = a_rule(name="b", guards="ReserveStock", when="facts.PaymentAuthorized", mode="audit")
    assert compile_rules(RuleSet(1, read_rules([first, looks]))).guards


@pytest.mark.parametrize(
    ("changes", "needs"),
    [
        ({"when": "facts.StockReserved"}, {"StockReserved"}),
        ({"when": "has(facts.StockReserved)"}, {"StockReserved"}),
        ({"when": "order.amount_cents > 1 && !facts . StockReserved"}, {"StockReserved"}),
        ({"when": "order.card == 'facts.StockReserved' // facts.StockReserved"}, set()),
        ({"when": "facts.OrderPlaced"}, set()),
        ({"when": "facts.StockReserved", "guards": "ArrangeShipment"}, set()),
        ({"when": "facts.StockReserved", "guards": "CapturePayment", "mode": "audit"}, set()),
        (
            {"when": "facts.StockShipped", "guards": "CapturePayment", "mode": "audit"},
            {"StockShipped"},
        ),
        (
            {"effect": "limit", "limit": {**ONE, "per": "facts.StockReserved ? 'a' : 'b'"}},
            {"StockReserved"},
        ),
    ],
)
def test_a_rule_needs_the_facts_that_it_names_unless_they_lie_behind_its_step(changes, needs):
    book = compile_rules(RuleSet(1, read_rules([a_rule(**changes)])))
    ((guard,),) = book.guards.values()
    assert set(guard.needs) == needs == book.after(tuple(book.guards))


def test_what_lies_behind_a_step_is_never_what_follows_on_it():
    for step in DONE:
        assert established(step) <= set(possible_before((step,))) <= set(FACTS) - {DONE[step]}
    assert set(possible_before(REFUSABLE)) == {PLACED}


def test_two_rules_of_one_name_are_refused():
    assert refused(a_rule(), a_rule()) == "two rules are called a-rule"


def test_a_resource_its_spec_and_a_list_are_the_same_rules():
    rules = [a_rule()]
    resource = {"apiVersion": "x/v1", "kind": "Policy", "spec": {"rules": rules}}
    assert read_rules(resource) == read_rules({"rules": rules}) == read_rules(rules)


def test_the_example_is_a_resource_and_can_be_put_in_force():
    rules = read_rules(msgspec.yaml.decode((ROOT / "examples/policy.yaml").read_bytes()))
    assert {rule.effect for rule in rules} == set(Effect)
    assert len(compile_rules(RuleSet(1, rules)).rules.rules) == len(rules)


@given(st.text(max_size=40))
def test_no_text_does_worse_than_being_refused(text):
    try:
        read_rules([a_rule(when=text)])
        Compiled("when", text, TRUTH)
    except RuleError:
        pass


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists))
def test_nonsense_is_refused_and_nothing_else(value):
    with pytest.raises(RuleError):
        read_rules([value])


@given(st.integers(0, 10**12), st.integers(0, 10**12))
def test_an_expression_says_what_python_says(amount, limit):
    compiled = Compiled("when", f"order.amount > {limit}", TRUTH)
    assert compiled.evaluate({"order": {"amount": amount}}) == (amount > limit)


@pytest.mark.parametrize(
    "text", ["order.missing", "1 / (order.amount_cents - 100000) > 0", "order.card"]
)
def test_what_fails_at_run_time_is_an_error_and_no_value(text):
    with pytest.raises(EvaluationError):
        Compiled("when", text, TRUTH).evaluate(context(EXAMPLE))


def test_steps_and_facts_are_those_of_the_saga():
    by_name = {step.name: step for step in ORDER.steps}
    assert {by_name[step].done.__name__ for step in DONE} == set(DONE.values())
    for step in REFUSABLE:
        assert by_name[step].refused is not None
    assert {step for step in DONE if by_name[step].refused is None} == set(DONE) - set(REFUSABLE)


def test_causes_and_owners_are_those_of_the_band():
    for step, causes in CAUSES.items():
        playbook = PLAYBOOKS[OWNERS[step]]
        (made,) = {r.parts for r in playbook.reactions.values() if r.makes == step}
        assert {kind for part in made for kind in part} == set(causes)


def test_an_event_guards_the_steps_that_follow_on_it():
    assert set(guarded_by(PLACED)) == {"ReserveStock", "AuthorizePayment", "ArrangeShipment"}
    assert guarded_by("PaymentAuthorized") == ("ArrangeShipment",)
    assert guarded_by("OrderConfirmed") == ()


def test_only_a_newer_version_is_adopted():
    rules = Rules()
    assert rules.book is EMPTY
    assert rules.adopt(RuleSet(2, read_rules([a_rule()])))
    assert not rules.adopt(RuleSet(2, ()))
    assert not rules.adopt(RuleSet(1, ()))
    assert (rules.book.version, rules.now.before.version) == (2, 0)


def test_rules_that_cannot_be_compiled_leave_those_before_in_force():
    rules = Rules(compile_rules(RuleSet(1, read_rules([a_rule()]))))
    with pytest.raises(RuleError):
        rules.adopt(RuleSet(2, read_rules([a_rule(when="order.")])))
    assert rules.book.version == 1
