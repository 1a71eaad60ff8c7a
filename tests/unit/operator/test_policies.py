"""All Policies of a namespace are one set of rules, and an edit that is refused changes nothing."""

from contextlib import suppress
from datetime import timedelta

import pytest

from coordination_operator.policies import AT_LEISURE, BUSY, decide_policies
from coordination_operator.policy_reconcile import Policies
from coordination_operator.policy_resources import PolicyStatus, Remembered, plain
from coordination_operator.resources import Who
from tests.unit.operator.a_policy_world import PolicyWorld, a_policy, a_rule, in_force, rules
from tests.unit.operator.a_world import Killed
from tests.unit.operator.builders import START

BAD = {"when": "order.amount_cents >"}


@pytest.fixture
def world():
    return PolicyWorld()


@pytest.fixture
def operator(world):
    return Policies(world)


def settle(world, operator):
    operator.reconcile()
    world.catch_up()
    return operator.reconcile()


def test_a_rule_that_is_applied_is_accepted_and_enforced_everywhere(world, operator):
    world.apply("shop", a_rule())
    assert operator.reconcile() == BUSY
    assert world.names == ["no-drums"]
    assert world.told("Accepted") == "True/Accepted"
    assert world.told("Enforced") == "False/PointsBehind"
    assert "orchestrator-0 (version 0)" in world.said("Enforced")
    world.catch_up()
    assert operator.reconcile() == AT_LEISURE
    status = world.status()
    assert world.told("Enforced") == "True/AllPoints"
    assert (status.rules, status.version, status.enforcing) == (1, 1, "3/3")
    assert (status.modes.orchestration.points, status.modes.choreography.enforcing) == (1, 2)
    assert [(point.instance, point.mode, point.version) for point in status.points] == [
        ("orchestrator-0", Who.ORCHESTRATION, 1),
        ("inventory-0", Who.CHOREOGRAPHY, 1),
        ("payment-0", Who.CHOREOGRAPHY, 1),
    ]
    assert world.notes == [("shop", "Accepted"), ("shop", "Enforced")]


def test_at_rest_nothing_is_written(world, operator):
    world.apply("shop", a_rule())
    settle(world, operator)
    status, puts, notes = world.status(), world.puts, len(world.notes)
    operator.reconcile()
    assert world.status() is status
    assert (world.puts, len(world.notes)) == (puts, notes)


def test_the_rules_of_all_objects_are_in_force_in_the_order_of_their_names(world, operator):
    world.apply("b", a_rule("third"))
    world.apply("a", a_rule("first"), a_rule("second"))
    settle(world, operator)
    assert world.names == ["first", "second", "third"]
    world.delete("a")
    settle(world, operator)
    assert world.names == ["third"]
    assert "RulesReplaced" not in [reason for _, reason in world.notes]


def test_a_bad_edit_is_refused_with_its_place_and_the_rules_of_before_stay(world, operator):
    world.apply("shop", a_rule())
    settle(world, operator)
    world.apply("shop", a_rule(**BAD))
    assert settle(world, operator) == AT_LEISURE
    assert world.names == ["no-drums"]
    assert world.told("Accepted") == "False/RuleRefused"
    assert "no-drums: when: line 1, column 21: Syntax error" in world.said("Accepted")
    assert "the rules of generation 1 stay in force" in world.said("Accepted")
    assert world.told("Enforced") == "False/NotAccepted"
    assert world.status().observed_generation == 2
    world.apply("shop", a_rule("better"))
    settle(world, operator)
    assert world.names == ["better"]
    assert world.told("Enforced") == "True/AllPoints"
    assert [reason for _, reason in world.notes] == [
        "Accepted", "Enforced", "RuleRefused", "Accepted", "Enforced",
    ]  # fmt: skip


def test_what_was_never_accepted_is_not_in_force_and_others_are(world, operator):
    world.apply("bad", a_rule("bad", **BAD))
    world.apply("good", a_rule("good"))
    settle(world, operator)
    assert world.names == ["good"]
    assert "none of its rules is in force" in world.said("Accepted", "bad")
    assert world.told("Enforced", "bad") == "False/NotAccepted"
    assert world.told("Enforced", "good") == "True/AllPoints"


def test_a_name_belongs_to_who_has_it(world, operator):
    world.apply("later", a_rule())
    settle(world, operator)
    world.apply("earlier", a_rule(when="false"))
    settle(world, operator)
    assert world.in_force == rules("no-drums")
    assert world.told("Accepted", "earlier") == "False/NameTaken"
    assert "no-drums is a rule of the Policy later" in world.said("Accepted", "earlier")
    world.delete("later")
    settle(world, operator)
    assert world.told("Accepted", "earlier") == "True/Accepted"


def test_of_two_new_objects_the_first_by_name_gets_the_name(world, operator):
    world.apply("b", a_rule())
    world.apply("a", a_rule())
    settle(world, operator)
    assert (world.told("Accepted", "a"), world.told("Accepted", "b")) == (
        "True/Accepted",
        "False/NameTaken",
    )


def test_two_objects_can_change_their_names_with_each_other(world, operator):
    world.apply("a", a_rule("one"))
    world.apply("b", a_rule("two"))
    settle(world, operator)
    world.apply("a", a_rule("two"))
    world.apply("b", a_rule("one"))
    settle(world, operator)
    assert world.names == ["two", "one"]
    assert world.told("Accepted", "a") == world.told("Accepted", "b") == "True/Accepted"


def test_a_name_that_is_given_up_can_be_had_at_once_though_another_edit_is_refused(world, operator):
    for name in ("a", "b", "c"):
        world.apply(name, a_rule(f"of-{name}"))
    settle(world, operator)
    world.apply("a", a_rule("of-b"))
    world.apply("b", a_rule("new"))
    world.apply("d", a_rule("of-c"))
    settle(world, operator)
    assert world.names == ["of-b", "new", "of-c"]
    assert ("a", "NameTaken") not in world.notes
    assert [world.told("Accepted", name) for name in "abcd"] == [
        "True/Accepted", "True/Accepted", "True/Accepted", "False/NameTaken",
    ]  # fmt: skip


def test_rules_of_two_objects_that_would_wait_for_each_other_are_not_both_accepted(world, operator):
    first = a_rule("a", effect="require", after=["StockReserved"])
    second = a_rule("b", effect="require", guards="ReserveStock", after=["PaymentAuthorized"])
    world.apply("a", first)
    world.apply("b", second)
    settle(world, operator)
    assert world.names == ["a"]
    assert "together with other Policies" in world.said("Accepted", "b")


def test_the_order_service_has_the_last_word_and_is_not_asked_again(world, operator):
    world.apply("shop", a_rule("known"))
    settle(world, operator)
    world.not_taken = "of-tomorrow"
    world.apply("shop", a_rule("of-tomorrow"))
    world.apply("other", a_rule("other"))
    settle(world, operator)
    assert world.names == ["other", "known"]
    assert "of-tomorrow: when: is not known here" in world.said("Accepted")
    puts = world.puts
    operator.reconcile()
    assert world.puts == puts
    assert settle(world, Policies(world)) == AT_LEISURE


def test_what_the_order_service_takes_no_more_does_not_keep_others_out(world, operator):
    world.apply("a", a_rule("of-a"))
    world.apply("b", a_rule("of-b"))
    settle(world, operator)
    world.not_taken = "of-a"
    world.put_by_somebody_else()
    settle(world, operator)
    assert world.names == ["of-b"]
    assert world.told("Accepted", "a") == "False/RuleRefused"
    assert world.told("Enforced", "b") == "True/AllPoints"


def test_without_any_object_the_rules_are_somebody_elses(world, operator):
    world.put_by_somebody_else(a_rule())
    assert operator.reconcile() is None
    assert (world.names, world.puts) == (["no-drums"], 0)


def test_the_rules_of_the_last_object_go_with_it(world, operator):
    world.apply("shop", a_rule())
    settle(world, operator)
    world.delete("shop")
    world.reachable = False
    assert operator.reconcile() == BUSY
    world.reachable = True
    operator.reconcile()
    assert world.names == []
    world.put_by_somebody_else(a_rule())
    assert operator.reconcile() is None
    assert world.names == ["no-drums"]


def test_the_rules_of_the_last_object_go_though_the_operator_was_away_when_it_went(world, operator):
    world.apply("shop", a_rule())
    settle(world, operator)
    world.delete("shop")
    assert settle(world, Policies(world)) is None
    assert world.names == []


def test_rules_that_were_about_to_be_put_in_force_go_with_their_object_too(world, operator):
    world.apply("shop", a_rule())
    world.killed_before = "answer"
    with pytest.raises(Killed):
        operator.reconcile()
    assert world.names == ["no-drums"]
    world.delete("shop")
    settle(world, Policies(world))
    assert world.names == []


def test_rules_that_somebody_else_put_in_force_since_are_left_alone(world, operator):
    world.apply("shop", a_rule())
    settle(world, operator)
    world.delete("shop")
    world.put_by_somebody_else(a_rule("by-hand"))
    assert settle(world, Policies(world)) is None
    assert world.names == ["by-hand"]


def test_what_somebody_else_puts_in_force_is_put_right_and_told(world, operator):
    world.apply("shop", a_rule())
    settle(world, operator)
    world.put_by_somebody_else(a_rule("theirs"))
    settle(world, operator)
    assert world.names == ["no-drums"]
    assert world.notes[2:] == [("shop", "RulesReplaced"), ("shop", "Enforced")]


def test_an_order_service_that_does_not_answer_is_a_condition(world, operator):
    world.apply("shop", a_rule())
    settle(world, operator)
    world.reachable = False
    assert operator.reconcile() == BUSY
    assert world.told("Enforced") == "Unknown/OrderServiceUnavailable"
    assert world.told("Accepted") == "True/Accepted"
    world.apply("shop", a_rule("another"))
    operator.reconcile()
    assert world.told("Accepted") == "Unknown/OrderServiceUnavailable"
    world.reachable = True
    settle(world, operator)
    assert world.told("Enforced") == "True/AllPoints"


def test_nobody_there_is_not_everybody(world, operator):
    world.heard = {}
    world.apply("shop", a_rule())
    assert operator.reconcile() == BUSY
    assert world.told("Enforced") == "Unknown/NoPoints"


@pytest.mark.parametrize("where", ["save", "put", "answer", "tell", "told"])
@pytest.mark.parametrize("times", [1, 2, 3])
def test_what_becomes_of_a_policy_is_announced_whenever_operators_are_killed(world, where, times):
    world.apply("shop", a_rule())
    settle(world, Policies(world))
    world.put_by_somebody_else(a_rule("theirs"))
    world.apply("shop", a_rule("better"))
    for _ in range(times):
        world.killed_before = where
        with suppress(Killed):
            Policies(world).reconcile()
    world.killed_before = ""
    settle(world, Policies(world))
    told = [reason for _, reason in world.notes]
    assert list(dict.fromkeys(told[2:])) == ["RulesReplaced", "Accepted", "Enforced"]
    assert world.status().unannounced == ()


def test_what_cannot_be_announced_holds_up_nothing_and_is_announced_later(world, operator):
    world.deaf = True
    world.apply("shop", a_rule())
    assert settle(world, operator) == BUSY
    assert (world.names, world.notes) == (["no-drums"], [])
    world.deaf = False
    assert operator.reconcile() == AT_LEISURE
    assert world.notes == [("shop", "Accepted"), ("shop", "Enforced")]


def test_somebody_elses_rules_that_cannot_be_replaced_yet_are_told_once(world, operator):
    world.apply("shop", a_rule())
    settle(world, operator)
    world.put_by_somebody_else(a_rule("theirs"))
    world.writable = False
    for _ in range(3):
        assert operator.reconcile() == BUSY
    world.writable = True
    settle(world, operator)
    assert world.names == ["no-drums"]
    assert world.notes.count(("shop", "RulesReplaced")) == 1


@pytest.mark.parametrize("where", ["save", "put", "answer", "tell"])
def test_a_bad_edit_while_nobody_looks_takes_no_rule_away(world, where):
    """What was proposed is in force, and whoever put it there did not live to say so."""
    world.apply("shop", a_rule("first"))
    settle(world, Policies(world))
    world.apply("shop", a_rule("second"))
    world.killed_before = where
    with pytest.raises(Killed):
        Policies(world).reconcile()
    before = world.names
    world.apply("shop", a_rule(**BAD))
    settle(world, Policies(world))
    assert world.names == before


def test_a_status_has_no_null_where_the_api_server_takes_none():
    kept = Remembered(generation=1, rules=rules("one"))
    written = plain(PolicyStatus(accepted=kept))
    assert "limit" not in written["accepted"]["rules"][0]
    assert written["proposed"] is None


def test_decisions_are_the_same_for_the_same_world():
    policies = [a_policy("shop", a_rule())]
    found = in_force(1, "no-drums", behind=("payment-0",))
    plan = decide_policies(policies, found, START)
    assert plan == decide_policies(policies, found, START)
    assert plan.wish is None
    assert plan.again == BUSY < AT_LEISURE == timedelta(seconds=15)
