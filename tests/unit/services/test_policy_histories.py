"""From when on a version is in force everywhere, by what its points have said of themselves."""

import pytest

from services.kit.message import Mode
from services.policy.audit import audit
from services.policy.evidence import Kind
from services.policy.histories import VersionRow, WordRow, eras
from tests.unit.services.test_policy_audit import a_history

DENIAL = '[{"name": "no", "guards": "AuthorizePayment", "effect": "deny"}]'
FIRST, SECOND = 100.0, 300.0
LAST = 10_000.0


def versions():
    return [VersionRow(1, DENIAL, FIRST), VersionRow(2, DENIAL, SECOND)]


class Replica:
    """Of payment; `there_since` and what it said of versions, as the order service keeps it."""

    def __init__(self, name, there_since=0.0, last=LAST, **said):
        self.words = [
            WordRow("payment", name, int(version.removeprefix("v")), at, there_since)
            for version, at in said.items()
        ]
        self.words.append(WordRow("payment", name, None, last, there_since))


def enforced(replicas, at, version=1):
    words = [word for replica in replicas for word in replica.words]
    return eras(versions(), words)[version - 1].is_enforced_by("payment", at)


def test_a_version_is_in_force_when_the_last_of_those_that_are_there_has_said_so():
    both = [Replica("a", v0=50.0, v1=101.0), Replica("b", v0=50.0, v1=105.0)]
    assert [enforced(both, at) for at in (101.5, 104.9, 105.1)] == [False, False, True]
    assert not enforced([], 200.0)


@pytest.mark.parametrize(
    "late",
    [
        Replica("late", there_since=200.0, v1=200.0),
        Replica("late", there_since=200.0, v0=200.0, v1=210.0),
        Replica("late", there_since=200.0, v0=200.0),
    ],
    ids=["up to date", "with old rules", "with old rules for good"],
)
def test_who_joins_later_does_not_move_the_moment_that_had_been_reached(late):
    there = Replica("a", v0=50.0, v1=101.0)
    assert enforced([there, late], 150.0)
    late_and_guilty = audit(eras(versions(), [*there.words, *late.words]), [a_history(at=150.0)])
    assert [each.kind for each in late_and_guilty.violations] == [Kind.BYPASS]


def test_who_joins_with_old_rules_is_behind_from_then_on_and_until_it_has_said_otherwise():
    there = Replica("a", v0=50.0, v1=101.0)
    late = Replica("late", there_since=200.0, v0=200.0, v1=210.0)
    assert [enforced([there, late], at) for at in (199.0, 205.0, 211.0)] == [True, False, True]


def test_who_never_says_so_is_behind_until_its_last_word():
    there, gone = Replica("a", v0=50.0, v1=101.0), Replica("gone", v0=50.0, last=150.0)
    assert [enforced([there, gone], at) for at in (149.0, 151.0)] == [False, True]
    assert not enforced([gone], 151.0)


def test_who_missed_a_version_and_has_a_newer_one_enforces_that():
    skipped = Replica("a", v0=50.0, v2=305.0)
    assert [enforced([skipped], at, version=2) for at in (304.0, 306.0)] == [False, True]
    assert not enforced([skipped], 304.0, version=1)


def test_what_slipped_through_is_counted_by_the_version_that_it_slipped_through():
    both = [Replica("a", v0=50.0, v1=150.0, v2=350.0)]
    words = [word for replica in both for word in replica.words]
    orders = [a_history(Mode.CHOREOGRAPHY, at, n) for n, at in enumerate((110, 120, 200, 310, 400))]
    found = audit(eras(versions(), words), orders)
    assert found.slipped() == {1: 2, 2: 1}
    assert len(found.violations) == len(orders)
