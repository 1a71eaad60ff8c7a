"""Faults are seeded: the same message meets the same fate, and a share of them all."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kit.faults import Catalogue, Fault, Faults, Rule, Verdict, roll
from services.kit.latency import Latency
from services.kit.message import Mode

MANY = [f"message-{number}" for number in range(2_000)]


def faults(*rules, seed=1, incarnation=1):
    return Faults(Catalogue(seed, rules), incarnation)


def share(hits):
    return sum(hits) / len(MANY) * 100


@given(st.integers(-(2**63), 2**63 - 1), st.lists(st.text() | st.integers(), max_size=4))
def test_a_roll_is_a_pure_number_below_a_hundred(seed, parts):
    assert 0 <= roll(seed, *parts) < 100
    assert roll(seed, *parts) == roll(seed, *parts)


def test_rolls_are_uniform():
    tenths = [0] * 10
    for name in MANY:
        tenths[int(roll(1, name) // 10)] += 1
    assert min(tenths) > len(MANY) / 10 * 0.75
    assert max(tenths) < len(MANY) / 10 * 1.25


def test_parts_do_not_run_into_each_other():
    assert roll(1, "ab", "c") != roll(1, "a", "bc")


@given(st.sampled_from([Fault.FAIL, Fault.REFUSE, Fault.DELAY]), st.integers(0, 100))
def test_a_rule_hits_its_share_of_the_messages(fault, percent):
    found = faults(Rule(fault, percent))
    hits = [
        found.verdict("ReserveStock", Mode.ORCHESTRATION, name, 0) is not Verdict.PROCEED
        for name in MANY
    ]
    assert abs(share(hits) - percent) < 5


@given(st.sampled_from(Fault), st.text(max_size=10), st.integers(0, 9))
def test_none_and_all_are_exact(fault, name, tries):
    never, always = faults(Rule(fault, 0)), faults(Rule(fault, 100))
    assert never.verdict("K", Mode.ORCHESTRATION, name, tries) is Verdict.PROCEED
    assert not never.crashes(fault, "K", Mode.ORCHESTRATION, name)
    assert always.crashes(fault, "K", Mode.ORCHESTRATION, name)
    assert Faults().verdict("K", Mode.ORCHESTRATION, name, tries) is Verdict.PROCEED


def test_a_rule_for_one_mode_leaves_the_other_alone():
    found = faults(Rule(Fault.DELAY, 100, delay_ms=70, mode=Mode.CHOREOGRAPHY))
    assert found.verdict("K", Mode.CHOREOGRAPHY, "m", 0) is Verdict.DELAY
    assert found.verdict("K", Mode.ORCHESTRATION, "m", 0) is Verdict.PROCEED
    assert [found.delay_seconds("K", mode) for mode in Mode] == [0, 0.07]


def test_a_rule_for_one_command_leaves_the_others_alone():
    found = faults(Rule(Fault.REFUSE, 100, "ReserveStock"))
    assert found.verdict("ReserveStock", Mode.ORCHESTRATION, "m", 0) is Verdict.REFUSE
    assert found.verdict("ShipStock", Mode.ORCHESTRATION, "m", 0) is Verdict.PROCEED


def test_a_failure_is_another_roll_at_each_try():
    found = faults(Rule(Fault.FAIL, 50))
    fates = {
        tuple(found.verdict("K", Mode.ORCHESTRATION, name, t) for t in range(3))
        for name in MANY[:200]
    }
    assert len(fates) == 8


def test_a_refusal_is_the_same_at_each_try():
    found = faults(Rule(Fault.REFUSE, 50))
    for name in MANY[:200]:
        assert len({found.verdict("K", Mode.ORCHESTRATION, name, tries) for tries in range(3)}) == 1


def test_a_delay_comes_before_the_first_try_only():
    found = faults(Rule(Fault.DELAY, 100, delay_ms=70), Rule(Fault.DELAY, 100, delay_ms=30))
    assert found.verdict("K", Mode.ORCHESTRATION, "m", 0) is Verdict.DELAY
    assert found.verdict("K", Mode.ORCHESTRATION, "m", 1) is Verdict.PROCEED
    assert found.delay_seconds("K", Mode.ORCHESTRATION) == 0.07


def test_a_crash_spares_the_next_incarnation_sometimes():
    """A message that killed its consumer every time would kill it for ever."""
    rule = Rule(Fault.CRASH_BEFORE_COMMIT, 50)
    fates = {
        tuple(
            faults(rule, incarnation=n).crashes(rule.fault, "K", Mode.ORCHESTRATION, name)
            for n in (1, 2)
        )
        for name in MANY[:100]
    }
    assert len(fates) == 4


def test_another_seed_is_another_run():
    one, other = (faults(Rule(Fault.REFUSE, 50), seed=seed) for seed in (1, 2))
    assert [one.verdict("K", Mode.ORCHESTRATION, n, 0) for n in MANY] != [
        other.verdict("K", Mode.ORCHESTRATION, n, 0) for n in MANY
    ]


@pytest.mark.parametrize(
    "catalogue",
    [
        b'{"rules": [{"fault": "sulk", "percent": 1}]}',
        b'{"rules": [{"fault": "fail", "percent": 101}]}',
        b'{"rules": [{"fault": "fail", "percent": 1, "delay_ms": -1}]}',
        b'{"rules": [{"fault": "fail", "percent": 1, "comand": "ReserveStock"}]}',
        b'{"rule": []}',
    ],
)
def test_a_catalogue_that_means_nothing_is_refused(catalogue):
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(catalogue, type=Catalogue)


@given(st.text(max_size=20), st.integers(0, 2**32))
def test_a_third_party_takes_its_time_within_limits(question, seed):
    latency = Latency(10.0, seed)
    assert 0.005 <= latency.seconds(question) <= 0.015
    assert latency.seconds(question) == Latency(10.0, seed).seconds(question)


def test_without_latency_nobody_waits():
    Latency(0.0, 1).wait(MANY)
    Latency(10_000.0, 1).wait([])
