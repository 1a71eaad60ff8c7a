"""What `bandstand policy status` says of who enforces the rules, and of who is missed."""

from datetime import UTC, datetime

from lab.commands import policy
from lab.policy.rules import InForce, Point

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HERE, MISSED = Point("payment", "payment-0", 3, NOON), Point("payment", "payment-1", 2, NOON)


def shown(capsys, *missed):
    policy._show_status(InForce(3, NOON, [], [HERE], list(missed)), as_json=False)
    return capsys.readouterr().out


def test_a_point_that_fell_silent_is_named_with_its_last_word(capsys):
    said = " ".join(shown(capsys, MISSED).split())
    assert "payment-1 is silent and has not said that it leaves" in said
    assert "at 12:00:00, was of version 2" in said


def test_nobody_is_missed_who_said_goodbye(capsys):
    assert "silent" not in shown(capsys)
