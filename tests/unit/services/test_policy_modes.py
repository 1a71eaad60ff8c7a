"""One rule, one meaning: over the same history the conductor's point and the band's say the same.

Both are the real ones, over tables in memory: the orchestrator, and the participant that owns the
step. They are told the same facts, in whatever order each of them can hear them.
"""

from hypothesis import assume, given
from hypothesis import strategies as st

from services.kit.message import Mode, SagaId
from services.messages import Item, OrderPlaced, PaymentAuthorized, ShipmentArranged, StockReserved
from services.policy.rulebook import EXAMPLE, compile_rules
from services.policy.rules import RuleError, RuleSet, read_rules
from services.policy.ruling import Verdict
from services.policy.steps import CONDUCTOR, DONE, OWNERS, REFUSABLE, possible_before
from tests.unit.services.points import Point

ORDER = SagaId("00000000-0000-7000-8000-000000000001")
SAID = {
    "StockReserved": StockReserved(order_id=ORDER),
    "PaymentAuthorized": PaymentAuthorized(order_id=ORDER, amount_cents=100),
    "ShipmentArranged": ShipmentArranged(order_id=ORDER, tracking="T-1"),
}
SKUS = ("drums", "guitar")
ABOUT_DRUMS = "order.items.exists(item, item.sku == 'drums')"


def an_order(sku):
    return OrderPlaced(
        order_id=ORDER,
        customer_id=EXAMPLE.customer_id,
        items=(Item(sku, 1),),
        amount_cents=EXAMPLE.amount_cents,
        currency=EXAMPLE.currency,
        card=EXAMPLE.card,
        ship_to=EXAMPLE.ship_to,
    )


def the_conductor_says(book, step, order, data):
    """Each command that it sends is done; in which order the answers come, is drawn."""
    point = Point(CONDUCTOR, Mode.ORCHESTRATION, book)
    asked = point.hears(order)
    while answers := sorted(DONE[each] for each in asked if DONE.get(each) in SAID):
        answer = data.draw(st.sampled_from(answers), "answered")
        asked = [each for each in asked if DONE.get(each) != answer]
        asked += point.hears(SAID[answer])
    return point.said(step)


def the_player_says(book, step, order, data):
    point = Point(OWNERS[step], Mode.CHOREOGRAPHY, book)
    heard = data.draw(st.permutations(possible_before((step,))), "heard")
    for fact in heard:
        point.hears(SAID.get(fact, order))
    return point.said(step)


@st.composite
def books(draw):
    """Rules about one step, of all effects that need no answer, over facts that it can know."""
    step = draw(st.sampled_from(REFUSABLE))
    facts = st.lists(st.sampled_from(possible_before((step,))), unique=True, max_size=2)
    rules = [
        {
            "name": f"rule-{number}",
            "guards": step,
            "effect": draw(st.sampled_from(["deny", "limit", "require"])),
            "when": " && ".join([*named, draw(st.sampled_from([ABOUT_DRUMS, "true", "1/0 > 0"]))]),
            "after": draw(facts),
            "onError": draw(st.sampled_from(["open", "closed"])),
        }
        for number in range(draw(st.integers(1, 3)))
        for named in [[f"facts.{fact}" for fact in draw(facts)]]
    ]
    for rule in rules:
        if rule["effect"] == "limit":
            rule["limit"] = {"atMost": draw(st.integers(0, 1)), "windowSeconds": 60}
    try:
        return step, compile_rules(RuleSet(1, read_rules(rules)))
    except RuleError:  # one that requires nothing
        assume(False)


@given(books(), st.sampled_from(SKUS), st.data())
def test_both_modes_points_come_to_the_same_decision_over_the_same_history(case, sku, data):
    """A step is let through by all rules, or refused; who refuses early need not ask the others,
    who wait. But what a rule says, it says to both."""
    step, book = case
    order = an_order(sku)
    conductor = the_conductor_says(book, step, order, data)
    player = the_player_says(book, step, order, data)
    denied = Verdict.DENIED in conductor.values()
    assert denied is (Verdict.DENIED in player.values())
    assert {**conductor, **player} == {**player, **conductor}
    if not denied:
        assert set(conductor) == set(player) == {guard.rule.name for guard in book.guards[step]}
