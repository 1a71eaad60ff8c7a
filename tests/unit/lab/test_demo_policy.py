"""The demo's part about rules, over a stage of cardboard: what is put in force and taken away,
whatever goes wrong, and what the figures are made of."""

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from lab.demo import misbehaving, policy
from lab.demo.misbehaving import became, by_old_rules, only_by, unasked
from lab.demo.policy import CHANGES, IGNORED, acting_unasked, longest_skew, rule_change, skew
from lab.demo.programme import programme
from lab.errors import NotReadyError
from lab.policy.audit import Act, Denied
from lab.policy.rules import InForce, Point
from lab.report.model import Misbehaviour
from services.kit.faults import Fault
from services.kit.message import Mode, SagaId
from services.policy.evidence import PROCESS, Findings, Kind, Violation

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
POINTS = ("orchestrator", "inventory", "payment", "shipping")
PROGRAMME = programme(100, seed=1)


def a_point(service, version, after=0.0):
    return Point(service, f"{service}-0", version, NOON + timedelta(seconds=after))


def in_force(version, after=None, rules=()):
    said = dict.fromkeys(POINTS, 0.1) | (after or {})
    points = [a_point(name, version, seconds) for name, seconds in said.items()]
    return InForce(version, NOON, list(rules), points)


def a_violation(order, rule, step="AuthorizePayment", kind=Kind.BYPASS, version=3):
    return Violation(SagaId(order), Mode.CHOREOGRAPHY, step, rule, version, kind, "denied", 1.0)


def a_denial(order, rule):
    return Denied(order, "orchestration", "AuthorizePayment", rule, 3, NOON)


class Load:
    """Its orders are placed before anybody has looked."""

    def __init__(self, orders, doomed):
        ids = [f"order-{number}" for number in range(orders)]
        self.ledger = SimpleNamespace(ids=ids, placed=ids, planned=ids)
        self.doomed, self.stopped, self.breaks = doomed, False, None

    def open(self, *_):
        if self.breaks is not None:
            raise self.breaks

    def stop(self):
        self.stopped = True


class Stage:
    """`log` is what was done to it, in order."""

    def __init__(self, monkeypatch):
        self.log, self.loads, self.version = [], [], 0
        self.late, self.is_quiet, self.breaks = (), True, {}
        self.found = Findings(orders=1, steps=4, guarded=1)
        self.denied, self.acts = [], []
        self.database = None
        payment = SimpleNamespace(instances=[SimpleNamespace(url="http://payment")])
        order = SimpleNamespace(url="http://order", instances=[])
        self.stack = SimpleNamespace(services={"payment": payment, "order": order}, token="t")
        for module, name, fake in self.fakes():
            monkeypatch.setattr(module, name, fake)

    def fakes(self):
        yield policy, "Api", lambda *_: nullcontext()
        yield policy, "apply", self.apply
        yield policy, "await_enforced", self.await_enforced
        yield policy, "_decisions", lambda *_: (0.001 * len(self.log), 10.0 * len(self.log))
        yield policy, "Bars", lambda _: nullcontext()
        yield policy, "denied", lambda *_: self.denied
        for module in (policy, misbehaving):
            yield module, "audit_stack", lambda *_: self.found
        yield misbehaving, "denied", lambda *_: self.denied
        yield misbehaving, "acts", lambda *_: self.acts
        yield misbehaving, "set_faults", self.set_faults

    def apply(self, _order, rules, _say):
        self.version += 1
        self.log.append([rule.name for rule in rules])
        return in_force(self.version, rules=rules)

    def await_enforced(self, _order, version, _timeout):
        behind = [a_point(name, version - 1) for name in self.late]
        found = in_force(version)
        return InForce(version, NOON, [], [*found.points, *behind])

    def set_faults(self, _urls, _token, catalogue):
        self.log.append([rule.fault for rule in catalogue.rules])

    def load(self, orders, seed, doomed=10.0):
        self.loads.append(load := Load(orders, doomed))
        load.breaks = self.breaks.get(len(self.loads))
        return load

    def switch(self, mode):
        self.log.append(mode)

    def route(self):
        return SimpleNamespace(leaves=lambda mode: True)

    def await_quiet(self, _timeout):
        return self.is_quiet


@pytest.fixture
def stage(monkeypatch):
    return Stage(monkeypatch)


def played(stage, mode=Mode.CHOREOGRAPHY):
    told = []
    return rule_change(stage, mode, PROGRAMME, told.append), told


def acted_unasked(stage, policy, mode=Mode.CHOREOGRAPHY):
    told = []
    return acting_unasked(stage, mode, PROGRAMME, policy, told.append), told


NAMES = [[rule.name for rule in rules] for _, rules in CHANGES]
IGNORES = [rule.name for rule in IGNORED]


def test_rules_come_one_by_one_then_one_is_ignored(stage):
    played(stage)
    assert stage.log == [*NAMES, [Fault.STALE_POLICY], IGNORES, [], []]
    assert [load.doomed for load in stage.loads] == [10.0, 10.0]


def test_who_acts_unasked_does_so_without_rules_and_with_orders_that_are_not_to_fail(stage):
    acted_unasked(stage, played(stage)[0])
    assert stage.log[-3:] == [Mode.CHOREOGRAPHY, [Fault.UNASKED], []]
    assert stage.loads[-1].doomed == 0


def test_an_order_that_does_not_end_after_money_was_taken_unasked_ends_no_demo(stage):
    policy, _ = played(stage)
    stage.is_quiet = False
    assert acted_unasked(stage, policy)[0].misbehaviour["unasked"] == Misbehaviour(0, 0, 0, 0)


@pytest.mark.parametrize("failing", [1, 2])
def test_whatever_goes_wrong_the_rules_and_the_faults_are_taken_away(stage, failing):
    stage.breaks = {failing: NotReadyError("the database is away")}
    with pytest.raises(NotReadyError, match="away"):
        played(stage)
    assert stage.log[-1] == []
    faults = [each for each in stage.log if each and each[0] in set(Fault)]
    assert stage.log.count([]) == 1 + len(faults)


def test_a_rule_that_is_not_enforced_everywhere_is_no_figure(stage):
    stage.late = ("payment",)
    with pytest.raises(NotReadyError, match="not enforced everywhere"):
        played(stage)


def test_orders_that_do_not_come_to_rest_are_no_figure(stage):
    stage.is_quiet = False
    with pytest.raises(NotReadyError, match="do not come to rest"):
        played(stage)


@pytest.mark.parametrize(("mode", "points"), [(Mode.ORCHESTRATION, 1), (Mode.CHOREOGRAPHY, 3)])
def test_the_figures_are_those_of_the_mode(stage, mode, points):
    found, told = played(stage, mode)
    assert (found.points, found.skew_seconds, found.coverage) == (points, 0.1, 0.25)
    assert found.decision_us == 100.0
    assert found.orders == sum(len(load.ledger.ids) for load in stage.loads[:2])
    assert f"2 rules under load: {points} point" in told[0]


def test_what_slipped_is_told_of_each_version_that_came_and_of_no_other(stage):
    slips = [("order-1", 1), ("order-2", 1), ("order-2", 1), ("order-3", 2), ("order-4", 9)]
    stage.found.violations = [
        a_violation(order, "no-drums", kind=Kind.SLIPPED, version=version)
        for order, version in slips
    ]
    found, _ = played(stage)
    assert found.slipped_by_version == {"1": 2, "2": 1}
    assert found.slipped == 3


def test_bypasses_are_those_of_every_misbehaviour(stage):
    stage.denied = [a_denial("order-1", "no-piano")]
    stage.acts = [Act("order-2", ["piano"], True, True), Act("order-3", ["guitar"], True, True)]
    stage.found.violations = [
        a_violation("order-2", "no-piano"),
        a_violation("order-2", PROCESS, "CapturePayment"),
        a_violation("order-3", PROCESS, "CapturePayment"),
    ]
    policy, told = played(stage)
    found, told_last = acted_unasked(stage, policy)
    assert found.misbehaviour == {
        "stale_policy": Misbehaviour(2, 1, 1, 0),
        "unasked": Misbehaviour(2, 0, 2, 0),
    }
    assert (found.bypasses_prevented, found.bypasses_detected) == (1, 3)
    assert "a participant ignores a rule: 1 prevented, 1 detected, 0 neither" in told
    assert told_last == ["a participant acts unasked: 0 prevented, 2 detected, 0 neither"]


def test_an_auditor_that_misses_something_is_seen_to_miss_it(stage):
    stage.acts = [Act("order-1", ["piano"], True, True)]
    assert by_old_rules(stage, [], "no-piano", "piano", set()) == Misbehaviour(1, 0, 0, 1)
    assert unasked(stage, []) == Misbehaviour(1, 0, 0, 1)


def test_of_who_ignores_a_rule_only_what_no_other_rule_forbids_is_counted(stage):
    stage.acts = [
        Act("order-1", ["piano", "drums"], True, False),
        Act("order-2", ["piano"], False, False),
        Act("order-3", ["guitar"], True, False),
    ]
    stage.denied = [a_denial("order-1", "no-piano"), a_denial("order-1", "no-drums")]
    found = by_old_rules(stage, [], "no-piano", "piano", {"drums"})
    assert found == Misbehaviour(0, 0, 0, 0)


def test_what_was_tried_was_prevented_or_found_or_missed():
    assert became({"a", "b", "c"}, {"b", "c"}, {"c", "d"}) == Misbehaviour(3, 1, 1, 1)
    assert only_by("x", [a_denial("a", "x"), a_denial("b", "x"), a_denial("b", "y")]) == {"a"}


def test_the_last_point_of_the_mode_says_how_long_a_change_took():
    early, late = in_force(1, {"payment": 0.4}), in_force(2, {"orchestrator": 0.9})
    assert skew(early, Mode.CHOREOGRAPHY) == 0.4
    assert longest_skew([early, late], Mode.CHOREOGRAPHY) == 0.4
    assert longest_skew([early, late], Mode.ORCHESTRATION) == 0.9
    assert longest_skew([InForce(0, None, [], [])], Mode.ORCHESTRATION) is None
