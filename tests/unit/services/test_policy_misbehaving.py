"""A point that goes by the rules before the newest: who stops it, and who finds it."""

from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode
from services.policy.evidence import Kind
from services.policy.steps import CONDUCTOR
from tests.unit.services.builders import an_order
from tests.unit.services.histories import a_history, accused, an_era
from tests.unit.services.points import Company, Point, a_book

NO = {"name": "no", "guards": "AuthorizePayment", "effect": "deny"}
STALE = Catalogue(1, (Rule(Fault.STALE_POLICY, 100, "AuthorizePayment"),))


def test_what_a_conductor_lets_through_by_old_rules_nobody_stops_and_the_auditor_finds():
    conductor = Point(CONDUCTOR, Mode.ORCHESTRATION, a_book(), faults=STALE)
    conductor.rules.take(a_book(NO, version=2))
    assert "AuthorizePayment" in conductor.hears(an_order())
    found = accused([an_era(NO)], a_history(Mode.ORCHESTRATION))
    assert found == [("AuthorizePayment", "no", Kind.BYPASS, 1)]


def test_one_whose_old_rules_say_the_same_lets_nothing_through():
    conductor = Point(CONDUCTOR, Mode.ORCHESTRATION, a_book(NO), faults=STALE)
    conductor.rules.take(a_book(NO, version=2))
    assert "AuthorizePayment" not in conductor.hears(an_order())


def test_a_participant_that_goes_by_old_rules_is_asked_by_nobody_in_orchestration():
    outcomes = {}
    for mode in Mode:
        company = Company(mode, a_book(), STALE)
        company.takes(a_book(NO, version=2))
        company.hears(an_order())
        outcomes[mode] = company.outcome()
    assert outcomes == {Mode.ORCHESTRATION: "denied", Mode.CHOREOGRAPHY: "authorized"}
