"""The commands that use a running stack, on a running stack."""

import json
import sys
import threading

import pytest
from msgspec.structs import replace

from lab.cli import main
from lab.commands import switch
from lab.coordination import trial
from lab.demo.programme import programme
from lab.demo.stage import on_stage
from lab.load.progress import Bars
from tests.integration.waiting import eventually

MODES = ("orchestration", "choreography")
AMPLE = 4_000  # more than is placed until a test has seen enough


@pytest.fixture
def bandstand(stack, monkeypatch, capsys):
    """`bandstand("load", ...)`: its exit code and what it printed, decoded; what it said to the
    user stays in the test's own output."""
    monkeypatch.setenv("BANDSTAND_HOME", stack.home)

    def run(*arguments):
        capsys.readouterr()
        code = main([*arguments, "--json"])
        printed, said = capsys.readouterr()
        sys.stderr.write(said)
        return code, json.loads(printed) if printed else None

    return run


def in_mode(bandstand, mode):
    code, _ = bandstand("switch", mode, "--wait")
    assert code == 0


def test_a_load_in_each_mode_ends_whole_and_keeps_every_promise(bandstand):
    for mode in MODES:
        in_mode(bandstand, mode)
        code, summary = bandstand("load", "--orders", "60", "--rate", "60", "--cancel", "10")
        assert code == 0
        assert list(summary["modes"]) == [mode]
        assert (summary["accepted"], summary["lost"], summary["unended"]) == (60, 0, 0)
        reasons = summary["modes"][mode]["reasons"]
        assert {"out_of_stock", "card_declined", "not_serviceable"} <= set(reasons)
    code, found = bandstand("verify")
    assert code == 0
    assert all(each["checked"] and not each["violations"] for each in found["invariants"])


def test_a_closed_loop_load_ends_whole(bandstand):
    code, summary = bandstand("load", "--orders", "40", "--closed", "8")
    assert (code, summary["accepted"], summary["unended"]) == (0, 40, 0)


def test_the_mode_can_be_switched_under_a_load(stack, bandstand):
    in_mode(bandstand, "orchestration")
    with on_stage(stack) as stage:
        load = stage.load(AMPLE, seed=5)
        thread = threading.Thread(target=load.open, args=(40, 5, Bars(AMPLE), 60))
        thread.start()
        try:
            eventually(lambda: len(load.ledger.placed) >= 30, "orders are under way")
            code, switched = bandstand("switch", "choreography", "--wait")
            eventually(lambda: load.ledger.placed[-1].order.mode == "choreography", "the others")
        finally:
            load.stop()
            thread.join()
        assert stage.await_quiet(60)
    assert code == 0
    assert switched["drained"] == "orchestration"
    assert switched["drain_seconds"] > 0
    assert {placed.order.mode for placed in load.ledger.placed} == set(MODES)
    assert bandstand("verify")[0] == 0


@pytest.fixture
def judged_by_errors(monkeypatch):
    """A machine that pauses is slow in either mode, and no reason to go back here."""

    def a_spec(*wishes):
        spec = trial.a_spec(*wishes)
        metrics = tuple(each for each in spec.analysis.metrics if each.name == "errors")
        return replace(spec, analysis=replace(spec.analysis, metrics=metrics))

    monkeypatch.setattr(switch, "a_spec", a_spec)


@pytest.mark.usefixtures("judged_by_errors")
@pytest.mark.parametrize(("percent", "code"), [(0, 0), (100, 1)])
def test_a_judged_switch_goes_on_or_back(stack, bandstand, percent, code):
    in_mode(bandstand, "orchestration")
    assert bandstand("faults", "set", f"fail={percent}%@AuthorizePayment@choreography")[0] == 0
    trial = ("switch", "choreography", "--analysis", "--step", "50:2s", "--timeout", "40")
    with on_stage(stack) as stage:
        load = stage.load(AMPLE, seed=6)
        thread = threading.Thread(target=load.open, args=(25, 6, Bars(AMPLE), 60))
        thread.start()
        try:
            ended, found = bandstand(*trial)
        finally:
            load.stop()
            thread.join()
            assert bandstand("faults", "off")[0] == 0
    assert (ended, found["promoted"]) == (code, percent == 0)
    with on_stage(stack) as stage:
        assert stage.await_quiet(60)
    if percent:
        assert "AnalysisFailed: errors: " in found["reason"]
        assert found["status"]["activeMode"] == "Orchestration"


def test_within_a_weight_both_modes_get_orders(bandstand):
    code, switched = bandstand("switch", "choreography", "--weight", "50", "--wait")
    assert (code, switched["drained"]) == (0, None)
    code, summary = bandstand("load", "--orders", "60", "--rate", "60")
    assert code == 0
    assert set(summary["modes"]) == set(MODES)


@pytest.mark.parametrize("mode", MODES)
def test_an_order_is_explained_in_either_mode(stack, bandstand, mode):
    in_mode(bandstand, mode)
    with on_stage(stack) as stage:
        load = stage.load(1, seed=8)
        load.open(10, 8, Bars(1), 60)
        assert stage.await_quiet(60)
    code, found = bandstand("saga", load.ledger.ids[0])
    assert code == 0
    assert found["inquiry"]["standing"]["stands"] == "confirmed"
    told = [(line["who"], line["what"], line["why"]) for line in found["story"]]
    expected = {
        "orchestration": ("orchestrator", "sends ShipStock", "heard ShipmentArranged"),
        "choreography": ("inventory", "StockShipped", "heard ShipmentArranged: ShipStock"),
    }
    assert expected[mode] in told


def test_an_order_nobody_placed_is_an_error(bandstand):
    assert bandstand("saga", "00000000-0000-0000-0000-000000000099") == (1, None)


def test_faults_are_set_shown_and_switched_off(stack, bandstand):
    assert bandstand("faults", "set", "fail=5%", "delay=10%:300ms", "--service", "payment")[0] == 0
    found = bandstand("faults", "show")[1]
    assert [rule["fault"] for rule in found["payment"]["rules"]] == ["fail", "delay"]
    assert found["order"]["rules"] == []
    assert bandstand("faults", "off")[0] == 0
    assert all(not each["rules"] for each in bandstand("faults", "show")[1].values())


@pytest.mark.parametrize(
    "arguments",
    [
        ("load", "--rate", "5", "--closed", "5"),
        ("load", "--orders", "0"),
        ("faults", "set", "explode=5%"),
        ("faults", "off", "--service", "nobody"),
        ("switch", "polka"),
        ("switch", "choreography", "--analysis", "--step", "many"),
        ("switch", "choreography", "--analysis", "--weight", "50"),
        ("saga", "not-an-id"),
    ],
)
def test_what_makes_no_sense_is_refused_as_misuse(bandstand, arguments):
    assert bandstand(*arguments)[0] == 2


def test_what_is_promised_is_kept_while_processes_are_killed(stack, bandstand):
    in_mode(bandstand, "choreography")
    with on_stage(stack) as stage:
        stage.set_faults(programme(100, seed=3).catalogue)
    assert bandstand("load", "--orders", "150", "--rate", "30", "--seed", "3")[0] == 0
    assert bandstand("faults", "off")[0] == 0
    code, found = bandstand("verify")
    assert code == 0
    assert all(not each["violations"] for each in found["invariants"])
