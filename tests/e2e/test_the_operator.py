"""The route as one object, under load: there and back, rolled back, killed, edited, refused."""

import time
from datetime import datetime

import pytest

from lab.coordination.route import read_route
from lab.faults import set_faults
from lab.verify.invariants import verify
from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode
from tests.e2e.conftest import SHORT_SESSION
from tests.e2e.coordination import PATIENCE_SECONDS, QUICK, Coordination, Killer, kill_who_acts
from tests.e2e.traffic import while_orders_come
from tests.integration.waiting import eventually

SWITCHES = 20
LONG = {"steps": [{"weight": 20, "minDuration": "1h"}], "progressDeadline": "2h"}
INTERVAL_SECONDS = 20  # nothing fails before the deadline of orders, 10 s
JUDGED = {
    "interval": f"{INTERVAL_SECONDS}s",
    "window": "30s",
    "metrics": [
        {"name": "errors", "template": "ErrorShare"},
        {"name": "stuck", "template": "StuckSagas"},
    ],
}
LENIENT = {
    "interval": "2s",
    "metrics": [{"name": "errors", "template": "ErrorShare", "thresholdRange": {"max": 1.0}}],
}
BROKEN = Catalogue(3, (Rule(Fault.FAIL, 100, "AuthorizePayment", mode=Mode.CHOREOGRAPHY),))
WITH_OBJECT = {
    "operator.replicas": 2,
    "operator.coordination.create": "true",
    "operator.coordination.spec.rollback.cooldown": "0s",
}


@pytest.fixture(scope="module", autouse=True)
def coordination(release):
    """Of the chart; two operators, of whom one acts."""
    release.install(**SHORT_SESSION, **WITH_OBJECT)
    found = Coordination(release)
    found.wait("Ready")
    yield found
    release.install(**SHORT_SESSION)


def test_a_patch_goes_there_and_back_under_fifty_orders_a_second(
    coordination, order_url, database, capsys
):
    took = {}
    with while_orders_come(order_url, database, rate=50):
        for mode in ("Choreography", "Orchestration"):
            began = time.monotonic()
            coordination.patch(mode=mode, rollout=QUICK)
            coordination.wait("Ready")
            took[mode] = time.monotonic() - began
            assert coordination.status["activeMode"] == mode
    assert coordination.status["switches"][0]["outcome"] == "Promoted"
    with capsys.disabled():
        told = ", ".join(f"{seconds:.1f} s to {mode}" for mode, seconds in took.items())
        print(f"\nfrom patch to drained at 50 orders/s: {told}")


def test_whoever_acts_is_killed_once_at_every_step_and_nothing_is_left_unsaid(
    coordination, release, order_url, database
):
    coordination.rest_in("Orchestration")
    steps = [{"weight": weight, "minDuration": "3s"} for weight in (20, 60, 100)]
    killed = set()

    def at_rest_again():
        status = coordination.status
        point = (status.get("phase"), status.get("step"))
        if point not in killed and point[0] != "Stable" and kill_who_acts(release):
            killed.add(point)
        return status["activeMode"] == "Choreography"

    with while_orders_come(order_url, database):
        coordination.patch(mode="Choreography", rollout={**QUICK, "steps": steps})
        eventually(at_rest_again, within=PATIENCE_SECONDS)
        coordination.wait("Ready")
    expected = {("Progressing", "1/3"), ("Progressing", "2/3"), ("Draining", None)}
    assert expected <= killed
    told = {"Started", "Prepared", "WeightAdvanced", "DrainStarted", "Completed"}
    assert told <= coordination.events()


def test_the_orchestrator_goes_when_it_is_idle_and_is_back_before_it_gets_a_saga(
    coordination, release, order_url, database
):
    idle = {"scaleToZeroWhenIdle": True}
    coordination.rest_in("Choreography", orchestrator=idle)
    coordination.until(orchestratorReplicas=0)
    eventually(lambda: release.pods_of("orchestrator") == [], within=PATIENCE_SECONDS)
    release.install(**SHORT_SESSION, **WITH_OBJECT)
    eventually(lambda: release.pods_of("orchestrator") == [], "it stays away", PATIENCE_SECONDS)
    with while_orders_come(order_url, database):
        coordination.patch(mode="Orchestration", rollout=QUICK)
        seen = []

        def has_everything():
            status = coordination.status
            weight = status["weight"] if status["targetMode"] == "Orchestration" else 0
            seen.append((weight, ready_orchestrators(release)))
            return weight == 100

        eventually(has_everything, within=PATIENCE_SECONDS)
        coordination.wait("Ready")
    assert (0, 0) in seen
    assert [each for each in seen if each[0] and not each[1]] == []
    coordination.patch(orchestrator={"scaleToZeroWhenIdle": False})


def test_a_bad_canary_is_rolled_back_within_two_intervals_and_says_why(
    coordination, target, order, order_url, database
):
    coordination.rest_in("Orchestration")
    set_faults(target.instances("payment"), target.token, BROKEN)
    try:
        with while_orders_come(order_url, database):
            coordination.patch(mode="Choreography", analysis=JUDGED, rollout=LONG)
            coordination.wait("RolledBack")
            status = coordination.until(phase="RolledBack")
    finally:
        set_faults(target.instances("payment"), target.token, Catalogue())
    assert rollback_seconds(status) <= 2 * INTERVAL_SECONDS + 5
    assert read_route(order).leaves(Mode.CHOREOGRAPHY)
    said = coordination.described()
    assert "in Choreography, at most 0.02 is allowed" in said
    assert "AnalysisFailed" in said
    coordination.rest_in("Orchestration")


def test_a_rollout_is_edited_frozen_aborted_begun_again_and_promoted(
    coordination, release, order_url, database
):
    coordination.rest_in("Orchestration")
    with while_orders_come(order_url, database):
        edit_freeze_abort_restart_and_promote(coordination, release)


def edit_freeze_abort_restart_and_promote(coordination, release):
    coordination.patch(mode="Choreography", rollout=LONG)
    coordination.until(weight=20, phase="Progressing")
    coordination.patch(rollout={"steps": [{"weight": 40, "minDuration": "1h"}]})
    coordination.until(weight=40)
    coordination.patch(suspend=True)
    coordination.wait("Suspended")
    coordination.annotate("promote")
    eventually(lambda: "promote is not valid now" in coordination.described())
    coordination.annotate("abort")
    kill_who_acts(release)
    assert coordination.until(phase="RolledBack", weight=0)["actions"] == []
    coordination.patch(suspend=False)
    coordination.until(actions=["restart"])
    coordination.annotate("restart")
    coordination.until(weight=40, actions=["promote", "abort"])
    coordination.annotate("promote")
    coordination.wait("Ready")


def test_what_does_not_answer_is_a_condition_and_the_switch_waits(
    coordination, release, order_url, database
):
    coordination.rest_in("Orchestration")
    with while_orders_come(order_url, database):
        with release.scaled_away("prometheus"):
            coordination.patch(mode="Choreography", analysis=LENIENT)
            await_told(coordination, "AnalysisPassed", "Unknown/PrometheusUnavailable")
            assert coordination.status["weight"] == 20
        coordination.wait("Ready")


def test_an_order_service_that_is_away_in_mid_switch_is_a_condition_and_the_switch_goes_on(
    coordination, release, order_url, database
):
    coordination.rest_in("Orchestration")
    with while_orders_come(order_url, database):
        coordination.patch(mode="Choreography", rollout=LONG)
        coordination.until(weight=20, phase="Progressing")
        with release.scaled_away("order"):
            await_told(coordination, "Ready", "Unknown/OrderServiceUnavailable")
        coordination.until(weight=20, phase="Progressing")
        coordination.patch(rollout=QUICK)
        coordination.wait("Ready")


def test_twenty_switches_with_the_operator_killed_at_random_end_ready(
    coordination, release, order_url, database, capsys
):
    coordination.rest_in("Orchestration")
    coming = while_orders_come(order_url, database, rate=5)
    began = time.monotonic()
    with coming, Killer(release, seed=11) as killer:
        for number in range(SWITCHES):
            mode = "Orchestration" if number % 2 else "Choreography"
            coordination.patch(mode=mode, rollout=QUICK)
            coordination.wait("Ready")
    took = time.monotonic() - began
    assert killer.kills >= 5
    promoted = [each["outcome"] for each in coordination.status["switches"]]
    assert promoted == ["Promoted"] * 5
    with capsys.disabled():
        print(f"\n{SWITCHES} switches and {killer.kills} kills: {took:.0f} s")


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"mode": "Polka"}, "Unsupported value"),
        ({"rollout": {"steps": [{"weight": 50}, {"weight": 10}]}}, "weights of the steps must asc"),
        ({"rollout": {"steps": [{"weight": 101}]}}, "less than or equal to 100"),
        ({"rollout": {"progressDeadline": "soon"}}, "progressDeadline"),
        ({"drain": {"timeout": "9999999999999h"}}, "drain.timeout"),
        ({"drain": {"timeout": "0s"}}, "timeout must be 1s or longer"),
        ({"rollback": {"cooldown": "99999999h"}}, "rollback.cooldown"),
        ({"analysis": {"metrics": [{"name": "m"}]}}, "either a template or a query is needed"),
        ({"analysis": {"metrics": [{"name": "m", "query": "up"}]}}, "a query needs bounds"),
        (
            {"analysis": {"metrics": [{"name": "m", "query": "up", "compare": {}}]}},
            "must have $mode in it",
        ),
        (
            {
                "rollout": {"steps": [{"weight": 100}]},
                "analysis": {"metrics": [{"name": "m", "template": "ErrorShare"}]},
            },
            "a step below 100",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_reason(coordination, spec, said):
    assert said in coordination.refusal(spec)


def test_an_upgrade_keeps_the_mode_that_was_patched(coordination, release):
    coordination.rest_in("Choreography")
    release.install(**SHORT_SESSION, **WITH_OBJECT)
    coordination.wait("Ready")
    assert coordination.status["activeMode"] == "Choreography"


def test_an_object_that_is_deleted_while_the_operator_is_away_leaves_the_active_mode_and_says_so(
    coordination, release, order, order_url, database
):
    coordination.rest_in("Choreography")
    with while_orders_come(order_url, database):
        coordination.patch(mode="Orchestration", rollout=LONG)
        coordination.until(weight=20)
        with release.scaled_away("operator"):
            coordination.kubectl("delete", "coordination", "orders")
            assert not read_route(order).leaves(Mode.ORCHESTRATION)
        eventually(lambda: read_route(order).leaves(Mode.ORCHESTRATION), within=PATIENCE_SECONDS)
    eventually(lambda: "Deleted" in coordination.events())


def test_every_promise_was_kept(database):
    def broken():
        return [verdict for verdict in verify(database) if not verdict.holds]

    eventually(lambda: not broken(), f"{broken()}")


def await_told(coordination, kind, wanted):
    eventually(lambda: coordination.told(kind) == wanted, wanted, PATIENCE_SECONDS)


def rollback_seconds(status):
    """From the start of the rollout until the way back was taken."""
    (rolled_back,) = [each for each in status["conditions"] if each["type"] == "RolledBack"]
    began = datetime.fromisoformat(status["rollout"]["startedAt"])
    return (datetime.fromisoformat(rolled_back["lastTransitionTime"]) - began).total_seconds()


def ready_orchestrators(release):
    deployment = f"deployment/{release.name}-orchestrator"
    ready = "--output=jsonpath={.status.readyReplicas}"
    return int(release.kubectl("get", deployment, ready) or 0)
