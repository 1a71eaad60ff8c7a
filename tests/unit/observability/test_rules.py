"""Rules name what exists; each alert was seen to fire and to stay silent, and has a runbook."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from tests.unit.observability.queries import RULES, anybodys, recorded, rules, summed, unknown

ROOT = RULES.parents[1]
TESTS = RULES.with_name("tests")
ALERTS = {rule["alert"]: rule for rule in rules() if "alert" in rule}


def run(promtool: Path, *arguments: str | Path) -> str:
    done = subprocess.run(
        [promtool, *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_finds_no_fault_with_the_rules(promtool):
    run(promtool, "check", "rules", *sorted(RULES.glob("*.yml")))


@pytest.mark.parametrize("path", sorted(TESTS.glob("*.yml")), ids=lambda path: path.stem)
def test_rules_do_what_their_tests_say(promtool, path):
    run(promtool, "test", "rules", path)


@pytest.mark.parametrize(
    "rule", list(rules()), ids=lambda rule: rule.get("alert") or rule["record"]
)
def test_rules_name_only_metrics_that_there_are(rule):
    assert unknown(rule["expr"]) == set()
    assert summed(rule["expr"]) == set()
    assert anybodys(rule["expr"]) == set()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("sum(bandstand_outbox_pending)", {"bandstand_outbox_pending"}),
        (
            "sum by (mode) (increase(bandstand_policy_violations_total[5m]))",
            {"bandstand_policy_violations_total"},
        ),
        ("sum(max by (service) (bandstand_outbox_pending))", set()),
        ("sum by (service) (bandstand_pool_waiting)", set()),
    ],
)
def test_what_replicas_share_is_not_added_up(query, found):
    assert summed(query) == found


def test_a_name_that_nobody_exposes_is_noticed():
    assert unknown("rate(bandstand_orders_placed_sum[5m])") == {"bandstand_orders_placed_sum"}
    assert unknown("mode:bandstand_orders_placed:rate9m > 0") == {
        "mode:bandstand_orders_placed:rate9m"
    }


def test_what_others_expose_too_is_noticed():
    cpu = "sum by (service) (rate(process_cpu_seconds_total[1m]))"
    assert anybodys(cpu) == {"process_cpu_seconds_total"}
    assert anybodys(cpu.replace("[", '{job="bandstand"}[')) == set()
    assert anybodys('up{job="bandstand"} == 1 unless on () up') == {"up"}


def test_each_rule_has_one_name():
    found = [rule.get("alert") or rule["record"] for rule in rules()]
    assert sorted(found) == sorted(set(found))


@pytest.mark.parametrize("name", ALERTS)
def test_alerts_have_a_severity_and_a_runbook_that_names_them(name):
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in ("page", "ticket")
    assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{rule['labels']['runbook']}.md"
    runbook = ROOT / rule["annotations"]["runbook_url"]
    assert f"`{name}`" in runbook.read_text()


def test_each_alert_is_seen_firing_and_silent():
    firing, silent = set(), set()
    for path in TESTS.glob("*.yml"):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for each in test.get("alert_rule_test", ()):
                (firing if each["exp_alerts"] else silent).add(each["alertname"])
    assert firing == silent == set(ALERTS)


def test_the_comparison_is_recorded_by_mode():
    apart = {name for name in recorded() if not name.startswith(("mode:", "mode_"))}
    assert apart == {
        "bandstand_transactions_per_order:ratio5m",
        "topic:bandstand_dead_letters:rate5m",
    }
