"""Commands that need a stack, without one; and the demo's plan."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lab.cli import main
from lab.demo.programme import FEWEST_ORDERS, programme
from lab.load.summary import ModeSummary
from lab.load.tables import figure, outcomes
from lab.quantiles import Quantiles
from lab.report.tables import side_by_side
from services.kit.faults import Fault
from tests.unit.lab.reports import a_report


@pytest.mark.parametrize(
    "arguments",
    [
        ["load"],
        ["switch", "choreography"],
        ["saga", "00000000-0000-0000-0000-000000000001"],
        ["faults", "show"],
        ["faults", "set", "fail=5%"],
        ["faults", "off"],
        ["verify"],
        ["dead-letters", "list"],
        ["dead-letters", "show", "0123"],
        ["dead-letters", "replay", "--all"],
        ["dead-letters", "discard", "0123", "--reason", "a test"],
    ],
)
def test_without_a_stack_a_script_can_tell_so(arguments, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("BANDSTAND_HOME", str(tmp_path))
    assert main(arguments) == 4
    assert "bandstand up" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["list", "--service", "nobody"],
        ["replay"],
        ["replay", "0123", "--all"],
        ["replay", "--all", "--again"],
        ["replay", "0123", "--service", "payment"],
        ["discard", "0123"],
        ["discard", "0123", "--reason", " "],
        ["discard", "--reason", "why"],
    ],
)
def test_what_is_not_clear_is_not_done_to_a_dead_letter(arguments, monkeypatch, tmp_path):
    monkeypatch.setenv("BANDSTAND_HOME", str(tmp_path))
    assert main(["dead-letters", *arguments]) == 2


def test_without_a_report_the_user_is_told_how_to_make_one(tmp_path, capsys):
    assert main(["report", "--folder", str(tmp_path)]) == 3
    assert "bandstand demo" in capsys.readouterr().err


@given(st.integers(FEWEST_ORDERS, 100_000), st.integers())
def test_each_modes_own_phase_has_exactly_the_orders_asked_for(orders, seed):
    plan = programme(orders, seed)
    assert plan.steady + plan.burst == plan.storm == orders
    assert min(plan.steady, plan.burst) > 0


def test_the_demo_plans_enough_for_a_99th_percentile_and_two_switches():
    plan = programme(1200, seed=1)
    assert plan.steady >= 100
    assert len(plan.switch_at) >= 2
    misbehaviour = {Fault.STALE_POLICY, Fault.UNASKED}
    assert {rule.fault for rule in plan.faults} == set(Fault) - misbehaviour


def printed(renderable):
    console = Console(width=100, force_terminal=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def a_share(**changes):
    figures = {
        "orders": 50,
        "confirmed": 40,
        "rejected": 8,
        "reasons": {"card_declined": 8},
        "latency_ms": Quantiles(48, 20.0, 40.0, None),
        "throughput_per_s": 19.9,
    }
    return ModeSummary(**{**figures, **changes})


def test_a_summary_shows_reasons_what_is_open_and_what_it_cannot_say():
    shown = printed(outcomes({"choreography": a_share()}))
    assert "card_declined" in shown
    assert "still open" in shown
    assert "too few" in shown
    assert figure(None) == "too few"


def test_nothing_is_said_to_be_open_when_nothing_is():
    assert "still open" not in printed(outcomes({"choreography": a_share(rejected=10)}))


def test_the_report_in_the_terminal_puts_the_modes_side_by_side():
    shown = printed(side_by_side(a_report()))
    assert shown.index("orchestration") < shown.index("choreography")
    assert "messages per order" in shown
