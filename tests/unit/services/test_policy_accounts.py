"""The auditor's accounts of limits: who surely went beyond one, and nobody else."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.message import Mode
from services.policy.audit import Auditor
from services.policy.evidence import History, Kind
from services.policy.rulebook import EXAMPLE
from tests.unit.services.histories import APPLIED, ONE, a_history, accused, an_era

MODES = pytest.mark.parametrize("mode", Mode)


@MODES
@given(st.lists(st.integers(0, 60), max_size=12), st.integers(1, 5))
def test_of_a_limit_exactly_what_surely_went_beyond_it_is_found(mode, starts, most):
    """Orders within one window: as many are accused as are too many."""
    limit = {"effect": "limit", "limit": {"atMost": most, "windowSeconds": 100}}
    era = an_era(limit)
    orders = [a_history(mode, at=200.0 + at, number=n) for n, at in enumerate(starts)]
    assert len(accused([era], *orders)) == max(0, len(orders) - most)


def test_a_limit_counts_each_customer_each_mode_and_each_window_for_itself():
    era = an_era({"effect": "limit", "limit": {"atMost": 1, "windowSeconds": 50}})
    other = msgspec.structs.replace(EXAMPLE, customer_id="c-2")
    orders = [
        a_history(number=1),
        a_history(number=2, order=other),
        a_history(Mode.ORCHESTRATION, number=3),
        a_history(number=4, at=260.0),
    ]
    assert accused([era], *orders) == []


@MODES
def test_what_slipped_before_its_point_knew_of_the_limit_is_not_counted_against_the_next(mode):
    era = an_era({"effect": "limit", "limit": {**ONE, "windowSeconds": 500}})
    orders = [a_history(mode, at=APPLIED + 0.5, number=1), a_history(mode, number=2)]
    assert accused([era], *orders) == []
    assert len(accused([era], *orders, a_history(mode, at=300.0, number=3))) == 1


@MODES
@pytest.mark.parametrize(("first", "then", "most"), [(9, 5, 10), (5, 9, 14)])
def test_of_two_amounts_that_a_point_may_have_taken_the_lesser_counts(mode, first, then, most):
    """What was under way when the rules changed was decided by those of before, or of after."""

    def era(cents, version, at):
        limit = {"atMost": most, "windowSeconds": 500, "sum": str(cents)}
        return an_era({"effect": "limit", "limit": limit}, version=version, at=at)

    eras = [era(first, 1, APPLIED), era(then, 2, 200.0)]
    under_way, later = a_history(mode, at=199.95), a_history(mode, at=300.0, number=2)
    assert accused(eras, under_way, later) == []
    assert len(accused(eras, under_way, later, a_history(mode, at=301.0, number=3))) == 1


def test_the_accounts_of_a_limit_are_forgotten_when_nothing_looks_back_to_them():
    auditor = Auditor([an_era({"effect": "limit", "limit": ONE})])
    for number in range(20):
        order = msgspec.structs.replace(EXAMPLE, customer_id=f"c-{number}")
        auditor.go_over([a_history(at=200.0 + 100 * number, number=number, order=order)])
    assert len(auditor._accounts.taken) == 1


A_MINUTE = {"atMost": 1, "windowSeconds": 60}


def held_until(at, placed_at=200.0, number=1, **more):
    """It closed late: shipping held it."""
    late = {"ShipmentArranged": at, "PaymentCaptured": at + 0.1, "StockShipped": at + 0.2}
    return a_history(at=placed_at, number=number, **late, **more)


def pages(eras, *of_histories):
    auditor = Auditor(eras)
    for page in of_histories:
        auditor.go_over(page)
    return {violation.order_id for violation in auditor.findings.violations}


def test_an_order_that_closed_late_is_not_charged_with_what_came_after_it():
    era = an_era({"effect": "limit", "limit": A_MINUTE})
    late, later = held_until(3_800.0), a_history(at=320.0, number=2)
    assert pages([era], [later], [late]) == set()


def test_an_order_that_closed_late_counts_against_those_that_closed_before_it():
    era = an_era({"effect": "limit", "limit": A_MINUTE})
    late, later = held_until(400.0), a_history(at=230.0, number=2)
    assert pages([era], [later], [late]) == pages([era], [late, later]) == {"order-2"}


def test_who_may_have_been_let_through_before_a_window_began_is_not_charged_with_it():
    """Its payment took longer than the window, and so do those that nobody answers at once."""
    era = an_era({"effect": "limit", "limit": A_MINUTE})
    slow = held_until(400.0, PaymentAuthorized=300.0)
    assert accused([era], a_history(at=290.0, number=2), slow) == []


taken_once = st.tuples(st.integers(0, 90), st.integers(1, 20), st.integers(1, 3), st.integers(0, 3))


@given(st.lists(taken_once, max_size=10), st.integers(1, 5), st.sampled_from([30, 1_000]))
def test_in_whichever_pages_orders_come_whoever_kept_a_limit_is_accused_by_none(orders, most, wide):
    """And a limit that was not kept shows in any, where nothing was forgotten meanwhile."""
    limit = {"atMost": most, "windowSeconds": wide, "sum": "order.amount_cents"}
    era = an_era({"effect": "limit", "limit": limit})
    of_page = dict[int, list[History]]()
    for number, (start, lasts, cents, page) in enumerate(orders):
        order = msgspec.structs.replace(EXAMPLE, amount_cents=cents)
        done_at = 200.0 + start + lasts
        told = held_until(500.0, 200.0 + start, number, order=order, PaymentAuthorized=done_at)
        of_page.setdefault(page, []).append(told)
    at_once = pages([era], [each for page in of_page.values() for each in page])
    in_pages = pages([era], *(of_page[page] for page in sorted(of_page)))
    assert at_once or not in_pages
    assert in_pages or not at_once or wide == 30


@pytest.mark.parametrize("on_error", ["open", "closed"])
def test_a_limit_that_cannot_be_reckoned_is_as_its_rule_says(on_error):
    limit = {"atMost": 1, "windowSeconds": 50, "sum": "1 / (order.amount_cents - 100)"}
    era = an_era({"effect": "limit", "limit": limit, "onError": on_error})
    broken = msgspec.structs.replace(EXAMPLE, amount_cents=100)
    found = accused([era], a_history(order=broken))
    assert [kind for _, _, kind, _ in found] == ([Kind.BYPASS] if on_error == "closed" else [])
