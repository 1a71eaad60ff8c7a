"""The orders of a load: the same for the same seed, with exactly the shares asked for."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lab.load.mix import CAUSES, DECLINED_CARD, SOLD_OUT, UNSERVED_PLACE, Planned, mix

sizes = st.integers(0, 400)
seeds = st.integers()
percents = st.floats(0, 100)


def causes_of(planned: Planned) -> set[str]:
    """Why this order must fail, as the shop will see it."""
    draft = planned.draft
    causes = set()
    if any(item.sku == SOLD_OUT for item in draft.items):
        causes.add("inventory")
    if draft.card == DECLINED_CARD:
        causes.add("payment")
    if draft.ship_to.country == UNSERVED_PLACE[0]:
        causes.add("shipping")
    return causes


@given(sizes, seeds, percents, percents)
def test_the_same_seed_gives_the_same_orders(orders, seed, doomed, cancelled):
    assert mix(orders, seed, doomed, cancelled) == mix(orders, seed, doomed, cancelled)


@given(sizes, seeds, percents)
def test_exactly_the_share_asked_for_is_doomed_and_each_participant_gets_a_third(
    orders, seed, doomed
):
    counts = Counter(planned.doomed_at for planned in mix(orders, seed, doomed))
    doomed_orders = orders - counts[None]
    assert doomed_orders == round(orders * doomed / 100)
    thirds = [counts[cause] for cause in CAUSES]
    assert max(thirds) - min(thirds) <= 1


@given(sizes, seeds, percents)
def test_an_order_fails_for_its_one_cause_or_not_at_all(orders, seed, doomed):
    for planned in mix(orders, seed, doomed):
        expected = set() if planned.doomed_at is None else {planned.doomed_at}
        assert causes_of(planned) == expected


@given(sizes, seeds, percents)
def test_exactly_the_share_asked_for_is_cancelled(orders, seed, cancelled):
    planned = mix(orders, seed, cancelled=cancelled)
    assert sum(each.cancel for each in planned) == round(orders * cancelled / 100)


@given(st.integers(1, 200), seeds)
def test_every_basket_holds_different_skus_in_quantities_a_shop_accepts(orders, seed):
    for planned in mix(orders, seed, doomed=50):
        skus = [item.sku for item in planned.draft.items]
        assert len(set(skus)) == len(skus)
        assert all(1 <= item.quantity <= 100 for item in planned.draft.items)
