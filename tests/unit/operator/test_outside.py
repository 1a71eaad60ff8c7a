"""The services and Prometheus as they answer, and as they do not."""

import httpx2
import msgspec
import pytest

from coordination_operator.errors import Refused, Stale, Unavailable
from coordination_operator.http import Http
from coordination_operator.plan import SetRoute
from coordination_operator.policy_plan import SetRules
from coordination_operator.prometheus import Prometheus
from coordination_operator.resources import Analysis, Compare, Metric, Range, Who
from coordination_operator.services_api import Services
from services.kit.message import Mode
from services.policy.rules import read_rules

ROUTE = {
    "mode": "choreography",
    "weight": 30,
    "epoch": 7,
    "changed_at": "2026-03-01T12:00:00Z",
    "at": "2026-03-01T12:00:09Z",
    "open": [{"mode": "choreography", "epoch": e, "orders": 2} for e in (6, 7)],
    "current": [{"mode": "choreography", "placed": 9, "ended": 5}],
    "history": [
        {"epoch": 7, "mode": "choreography", "weight": 30, "changed_at": "2026-03-01T12:00:00Z"},
        {"epoch": 6, "mode": "orchestration", "weight": 100, "changed_at": "2026-03-01T11:00:00Z"},
    ],
}
LEFT = [{"mode": mode, "unsent": 1, "parked": 0, "unread": 2} for mode in Mode]
RULE = {"name": "few", "guards": "AuthorizePayment", "effect": "limit"} | {
    "limit": {"atMost": 5, "windowSeconds": 60}
}
POLICIES = {
    "version": 3,
    "applied_at": "2026-03-01T12:00:00Z",
    "rules": [RULE],
    "points": [
        {"service": s, "instance": f"{s}-x", "version": 3, "at": "2026-03-01T12:00:01Z"}
        for s in ("orchestrator", "payment")
    ],
}
BOUNDED = Metric(name="m", query='x{mode="$mode"}', threshold_range=Range(max=1))


def http(answer):
    """`answer` gets a request, and gives a status and what is to be JSON."""

    def handle(request):
        status, body = answer(request)
        return httpx2.Response(status, content=msgspec.json.encode(body))

    return Http(httpx2.MockTransport(handle))


def services(answer, *names):
    return Services(http(answer), {name: f"http://{name}" for name in ("order", *names)}, "t")


def test_the_route_is_read_with_what_is_open_in_each_mode():
    route = services(lambda _: (200, ROUTE)).route()
    assert (route.share(Mode.CHOREOGRAPHY), route.share(Mode.ORCHESTRATION)) == (30, 70)
    assert route.open == {Mode.CHOREOGRAPHY: 4, Mode.ORCHESTRATION: 0}
    assert route.ended == {Mode.CHOREOGRAPHY: 5}
    assert [past.leaves(Mode.CHOREOGRAPHY) for past in route.history] == [False, True]
    assert route.history[0].changed_at == route.changed_at


def test_a_switch_names_the_epoch_and_the_token():
    asked = []

    def answer(request):
        asked.append((request.headers["Authorization"], msgspec.json.decode(request.content)))
        return 200, ROUTE

    services(answer).switch(SetRoute(Mode.CHOREOGRAPHY, 50, 7))
    assert asked == [("Bearer t", {"mode": "choreography", "weight": 50, "epoch": 7})]


def test_somebody_faster_is_another_thing_than_nobody_there():
    with pytest.raises(Stale, match="epoch is 8"):
        services(lambda _: (409, {"detail": "the epoch is 8"})).switch(
            SetRoute(Mode.CHOREOGRAPHY, 50, 7)
        )
    with pytest.raises(Unavailable, match="503: away"):
        services(lambda _: (503, {"title": "away"})).route()
    with pytest.raises(Unavailable, match="cannot be read"):
        services(lambda _: (200, {"mode": "polka"})).route()


def test_the_rules_are_read_with_who_enforces_them():
    found = services(lambda _: (200, POLICIES)).rules()
    assert (found.version, found.rules) == (3, read_rules([RULE]))
    assert [point.mode for point in found.points] == [Who.ORCHESTRATION, Who.CHOREOGRAPHY]


def test_rules_are_put_with_the_version_that_was_seen_as_a_person_writes_them():
    asked = []

    def answer(request):
        asked.append(msgspec.json.decode(request.content))
        return 200, POLICIES

    services(answer).put_rules(SetRules(read_rules([RULE]), 2))
    assert asked[0]["version"] == 2
    assert asked[0]["rules"][0]["limit"]["atMost"] == 5


def test_refused_is_another_thing_than_too_late():
    wish = SetRules((), 2)
    with pytest.raises(Refused, match="line 1, column 7"):
        services(lambda _: (422, {"detail": "x: when: line 1, column 7"})).put_rules(wish)
    with pytest.raises(Stale, match="version is 3"):
        services(lambda _: (409, {"detail": "the version is 3, not 2"})).put_rules(wish)


def test_what_is_left_is_added_up_over_all_services():
    left = services(lambda _: (200, LEFT), "payment", "orchestrator").left()
    assert left[Mode.CHOREOGRAPHY].unread == 6
    assert left[Mode.CHOREOGRAPHY].text == "3 unsent, 6 unread"


def test_one_service_that_does_not_answer_hides_the_sum_unless_it_was_sent_away():
    def answer(request):
        return (503, {}) if request.url.host == "orchestrator" else (200, LEFT)

    asked = services(answer, "payment", "orchestrator")
    with pytest.raises(Unavailable, match="orchestrator"):
        asked.left()
    assert asked.left(without=("orchestrator",))[Mode.ORCHESTRATION].unsent == 2


def vector(*values):
    result = [{"metric": {}, "value": [0, value]} for value in values]
    return 200, {"status": "success", "data": {"resultType": "vector", "result": result}}


def samples(answer, metric=BOUNDED):
    prometheus = Prometheus(http(answer), "http://prometheus")
    return prometheus.samples(Analysis(metrics=(metric,)), Mode.CHOREOGRAPHY)


def test_prometheus_is_asked_for_one_number():
    assert samples(lambda _: vector("0.5"))[0].value == 0.5
    scalar = {"data": {"resultType": "scalar", "result": [0, "2"]}}
    assert samples(lambda _: (200, scalar))[0].value == 2


def test_a_query_that_prometheus_does_not_take_is_said_so():
    assert "bad query" in samples(lambda _: (422, {"error": "bad query"}))[0].error


def test_an_empty_answer_is_no_data_and_two_are_a_mistake():
    assert samples(lambda _: vector())[0].value is None
    assert "2 series instead of one" in samples(lambda _: vector("1", "2"))[0].error


def test_a_comparison_asks_for_both_modes():
    metric = Metric(name="m", query='x{mode="$mode"}', compare=Compare())

    def answer(request):
        return vector("1" if 'mode="choreography"' in request.url.params["query"] else "3")

    (sample,) = samples(answer, metric)
    assert (sample.value, sample.stable) == (1, 3)


def test_a_prometheus_that_does_not_answer_is_said_so():
    def answer(_):
        raise httpx2.ConnectError("refused")

    assert "does not answer" in samples(answer)[0].error
    nowhere = Prometheus(http(answer), "").samples(Analysis(metrics=(BOUNDED,)), Mode.CHOREOGRAPHY)
    assert nowhere[0].error == "no Prometheus is configured"
