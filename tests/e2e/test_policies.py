"""Rules as objects: applied, enforced in both modes, refused, put right, taken away."""

from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from lab.api import ProblemError
from lab.coordination.route import switch
from lab.policy.decisions import decisions_of
from lab.policy.rules import apply, in_force
from services.kit.message import Mode
from services.policy.steps import CONDUCTOR, POINTS
from tests.e2e.conftest import ANSWER_SECONDS
from tests.e2e.policy import PATIENCE_SECONDS, Policies
from tests.integration.builders import an_order_form
from tests.integration.waiting import eventually

MODES = pytest.mark.parametrize("mode", Mode)
ABOUT = "order.items.exists(item, item.sku == '{}')"
STOCK_FIRST = {"guards": "AuthorizePayment", "when": ABOUT.format("violin")}
EFFECTS = (
    {
        "name": "a-look",
        "guards": "ArrangeShipment",
        "when": ABOUT.format("piano"),
        "effect": "hold",
        "hold": {"seconds": 120},
    },
    {
        "name": "no-look",
        "guards": "ReserveStock",
        "when": ABOUT.format("cello"),
        "effect": "hold",
        "hold": {"seconds": 1, "silence": "deny"},
    },
    {
        "name": "one-each",
        "guards": "AuthorizePayment",
        "when": ABOUT.format("trumpet"),
        "effect": "limit",
        "limit": {"atMost": 1, "windowSeconds": 3600},
    },
    {"name": "in-order", "effect": "require", "after": ["StockReserved"], **STOCK_FIRST},
    {
        "name": "named",
        "guards": "AuthorizePayment",
        "when": f"facts.StockReserved && {ABOUT.format('clarinet')}",
        "effect": "deny",
    },
)
BAD = {"when": "order.amount_cents >"}
EXAMPLE = Path(__file__).parents[2] / "examples" / "policy.yaml"


def no(sku, **changes):
    rule = {"name": f"no-{sku}", "guards": "AuthorizePayment", "effect": "deny"}
    return {**rule, "when": ABOUT.format(sku), **changes}


@pytest.fixture(scope="module")
def policies(release):
    found = Policies(release)
    found.apply("shop", no("drums"))
    yield found
    found.delete()


@pytest.fixture
def effects(policies):
    """A rule of each effect, beside the others."""
    policies.apply("effects", *EFFECTS)
    policies.wait("effects")
    yield
    policies.delete("effects")


class Shop:
    """Its front door: orders of one piece, and what becomes of them."""

    def __init__(self, http, target, order):
        self._http, self._target, self._order = http, target, order

    def place(self, sku, customer="c-0017"):
        form = an_order_form(items=[{"sku": sku, "quantity": 1}], customer_id=customer)
        return self._http.post("/orders", json=form).raise_for_status().json()["id"]

    def look(self, order):
        return self._http.get(f"/orders/{order}").raise_for_status().json()

    def ended(self, order):
        eventually(lambda: self.look(order)["closed_at"], f"{order} is closed", 60)
        found = self.look(order)
        return found["reason"] or found["status"]

    def answer(self, order, answer):
        def is_held():
            with suppress(ProblemError):
                self._order.tell("POST", f"/orders/{order}/{answer}")
                return True

        eventually(is_held, f"{order} is held", 60)

    def decisions(self, order, rule):
        found = decisions_of(self._target.urls(), order)
        return [(each.decided_by, each.outcome) for each in found if each.rule == rule]


@pytest.fixture
def shop(order_url, target, order):
    with httpx.Client(base_url=order_url, timeout=ANSWER_SECONDS, trust_env=False) as http:
        yield Shop(http, target, order)


@pytest.fixture
def ended(shop):
    """Places an order of one piece and says how it ended."""
    return lambda sku: shop.ended(shop.place(sku))


def test_a_rule_that_is_applied_is_enforced_and_its_status_says_where(policies, release):
    policies.wait("shop")
    status = policies.status("shop")
    modes = {each["service"]: each["mode"] for each in status["points"]}
    assert set(modes) == set(POINTS)
    assert {each["version"] for each in status["points"]} == {status["version"]}
    assert modes["orchestrator"] == "Orchestration"
    assert modes["payment"] == "Choreography"
    there = len(status["points"])
    assert status["enforcing"] == f"{there}/{there}"
    assert status["rules"] == 1
    eventually(lambda: "Enforced" in policies.described("shop"))
    printed = policies.kubectl("get", "policies", "--no-headers").split()
    assert printed[:6] == ["shop", "1", str(status["version"]), f"{there}/{there}", "True", "True"]


@MODES
def test_what_the_rule_denies_is_rejected_in_each_mode(policies, order, ended, mode):
    policies.wait("shop")
    switch(order, mode, 100, print)
    assert ended("drums") == "policy:no-drums"
    assert ended("guitar") == "confirmed"


@MODES
def test_what_is_held_limited_and_put_in_order_is_so_in_each_mode(effects, order, shop, mode):
    switch(order, mode, 100, print)
    yes, no, nobody = (shop.place(sku) for sku in ("piano", "piano", "cello"))
    violin, clarinet = shop.place("violin"), shop.place("clarinet")
    customer = f"c-{mode}"
    assert shop.ended(shop.place("trumpet", customer)) == "confirmed"
    assert shop.ended(shop.place("trumpet", customer)) == "policy:one-each"
    shop.answer(yes, "approve")
    shop.answer(no, "decline")
    ends = [shop.ended(each) for each in (yes, no, nobody, violin, clarinet)]
    denied = [f"policy:{rule}" for rule in ("a-look", "no-look", "named")]
    assert ends == ["confirmed", *denied[:2], "confirmed", denied[2]]
    told = [each["type"] for each in shop.look(violin)["timeline"]]
    assert told.index("StockReserved") < told.index("PaymentAuthorized")
    conducted = mode is Mode.ORCHESTRATION
    shipping, payment = (CONDUCTOR, CONDUCTOR) if conducted else ("shipping", "payment")
    assert shop.decisions(yes, "a-look") == [(shipping, "held"), (shipping, "allowed")]
    assert shop.decisions(no, "a-look") == [(shipping, "held"), (shipping, "denied")]
    assert shop.decisions(violin, "in-order") == [(payment, "allowed")]
    assert shop.decisions(clarinet, "named") == [(payment, "denied")]


def test_a_bad_expression_is_refused_by_kubectl_with_its_place(policies):
    said = policies.refusal("bad", no("drums", **BAD))
    assert "no-drums: when: line 1, column 21: Syntax error" in said


def test_one_that_is_saved_while_nobody_is_asked_is_refused_later_and_the_rules_of_before_stay(
    policies, ended, release
):
    policies.wait("shop")
    with release.scaled_away("operator"):
        policies.apply("shop", no("drums", **BAD))
    said = policies.until_told("shop", "Accepted", "False/RuleRefused")
    assert "no-drums: when: line 1, column 21: Syntax error" in said
    assert "stay in force" in said
    policies.until_told("shop", "Enforced", "False/NotAccepted")
    policies.kubectl("label", "policy", "shop", "known=bad")
    assert ended("drums") == "policy:no-drums"
    policies.apply("shop", no("drums"))
    policies.wait("shop")


def test_a_name_belongs_to_the_policy_that_has_it(policies):
    policies.apply("another", no("drums"), no("piano"))
    said = policies.until_told("another", "Accepted", "False/NameTaken")
    assert "no-drums is a rule of the Policy shop" in said
    policies.apply("another", no("piano"))
    policies.wait("another")
    policies.delete("another")
    eventually(lambda: policies.status("shop")["rules"] == 1)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"effect": "limit"}, "limit is what the effect limit needs"),
        ({"effect": "require"}, "the effect require needs facts in after"),
        ({"guards": "CapturePayment"}, "after the pivot nothing can be refused"),
        ({"guards": "Polka"}, "Unsupported value"),
        ({"onErorr": "open"}, "unknown field"),
    ],
)
def test_what_makes_no_sense_by_itself_is_not_even_taken(policies, changes, said):
    assert said in policies.refusal("bad", no("drums", **changes))


def test_two_rules_of_one_name_in_one_object_are_not_even_taken(policies):
    assert "Duplicate value" in policies.refusal("bad", no("drums"), no("drums"))


def test_the_example_is_taken_as_it_is(policies):
    policies.kubectl("apply", f"--filename={EXAMPLE}", "--dry-run=server")


def test_what_somebody_else_puts_in_force_is_put_right(policies, order):
    policies.wait("shop")
    there = apply(order, (), print).version
    eventually(lambda: in_force(order).version > there, within=PATIENCE_SECONDS)
    assert [rule.name for rule in in_force(order).rules] == ["no-drums"]
    eventually(lambda: "RulesReplaced" in policies.described("shop"))
    policies.wait("shop")


def test_a_pod_that_is_replaced_is_there_as_the_new_one_alone(policies, release):
    policies.wait("shop")
    before = {each["instance"] for each in policies.status("shop")["points"]}
    release.kill("payment")
    release.settle()

    def replaced():
        points = policies.status("shop")["points"]
        found = {each["instance"] for each in points if each["service"] == "payment"}
        there = {name.removeprefix("pod/") for name in release.pods_of("payment")}
        return found == there and len(points) == len(before)

    eventually(replaced, "only the new pod is listed", PATIENCE_SECONDS)
    policies.wait("shop")
    policies.apply("shop", no("drums"), no("piano"))
    policies.wait("shop")


def test_the_last_object_takes_its_rules_with_it(policies, order, ended):
    policies.delete()
    eventually(lambda: not in_force(order).rules, within=PATIENCE_SECONDS)
    eventually(lambda: not in_force(order).behind(), within=PATIENCE_SECONDS)
    assert ended("drums") == "confirmed"
