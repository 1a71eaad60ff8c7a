"""Fault rules as a person writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.faults import parse_rule, rule_text
from services.kit.faults import Fault, Rule
from services.kit.message import Mode


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("fail=5%", Rule(Fault.FAIL, 5.0)),
        ("fail=5", Rule(Fault.FAIL, 5.0)),
        ("delay=10%:300ms", Rule(Fault.DELAY, 10.0, None, 300)),
        ("delay=10%:1.5s@ReserveStock", Rule(Fault.DELAY, 10.0, "ReserveStock", 1500)),
        (
            "crash_after_commit=0.5%@ReserveStock",
            Rule(Fault.CRASH_AFTER_COMMIT, 0.5, "ReserveStock"),
        ),
        ("fail=50%@choreography", Rule(Fault.FAIL, 50.0, mode=Mode.CHOREOGRAPHY)),
        (
            "refuse=50%@ReserveStock@orchestration",
            Rule(Fault.REFUSE, 50.0, "ReserveStock", mode=Mode.ORCHESTRATION),
        ),
    ],
)
def test_a_rule_reads_as_it_is_said(text, rule):
    assert parse_rule(text) == rule


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("fail", "is not a rule"),
        ("", "is not a rule"),
        ("fail=-1%", "is not a rule"),
        ("explode=5%", "is not a fault"),
        ("fail=101%", "more than 100"),
        ("fail=5%:300ms", "only delay"),
        ("fail=5% delay=3%", "is not a rule"),
        ("fail=5%@polka", "is not a rule"),
    ],
)
def test_what_is_no_rule_is_refused_with_the_reason(text, complaint):
    with pytest.raises(ValueError, match=complaint):
        parse_rule(text)


rules = st.builds(
    Rule,
    st.sampled_from(Fault),
    st.integers(0, 100).map(float),
    st.none() | st.sampled_from(["ReserveStock", "VoidPayment"]),
    mode=st.none() | st.sampled_from(Mode),
)


@given(rules, st.integers(0, 60_000))
def test_a_rule_can_be_read_back(rule, delay_ms):
    if rule.fault is Fault.DELAY:
        rule = Rule(rule.fault, rule.percent, rule.command, delay_ms)
    assert parse_rule(rule_text(rule)) == rule
