"""A rule that needs a fact: in one mode nobody has to listen to more, in the other somebody has."""

import pytest

from lab.demo.policy import NEEDS_A_FACT
from lab.policy.listening import lines_of, new_listeners, new_topics
from services.kit.message import Mode
from services.policy.rules import read_rules

NAMED = "order.amount_cents > 1000 && facts.StockReserved"


def needing(step, *facts):
    (rule,) = read_rules([{"name": "a", "guards": step, "effect": "require", "after": facts}])
    return rule


def test_the_conductor_hears_everything_anyway():
    assert new_listeners(NEEDS_A_FACT, Mode.ORCHESTRATION) == {}
    assert new_topics(NEEDS_A_FACT, Mode.ORCHESTRATION) == {}


def test_the_player_whose_step_it_is_has_to_listen_to_what_was_noise_to_it():
    assert new_listeners(NEEDS_A_FACT, Mode.CHOREOGRAPHY) == {"payment": ["StockReserved"]}
    assert new_topics(NEEDS_A_FACT, Mode.CHOREOGRAPHY) == {}


@pytest.mark.parametrize(
    ("step", "fact", "more"),
    [
        ("ReserveStock", "PaymentAuthorized", {"inventory": ["PaymentAuthorized"]}),
        ("ArrangeShipment", "StockReserved", {}),
        ("ArrangeShipment", "OrderPlaced", {}),
    ],
)
def test_what_a_step_follows_on_is_heard_without_any_rule(step, fact, more):
    assert new_listeners(needing(step, fact), Mode.CHOREOGRAPHY) == more


def test_a_fact_that_is_only_named_has_to_be_heard_as_well():
    (rule,) = read_rules(
        [{"name": "a", "guards": "AuthorizePayment", "effect": "deny", "when": NAMED}]
    )
    assert new_listeners(rule, Mode.ORCHESTRATION) == {}
    assert new_listeners(rule, Mode.CHOREOGRAPHY) == {"payment": ["StockReserved"]}


def test_a_rule_has_a_line_for_each_field_that_is_not_left_as_it_is():
    assert lines_of(NEEDS_A_FACT) == 4
