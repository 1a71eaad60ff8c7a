"""What watches a release that has done nothing yet, then a little: it sees all, and is calm."""

import time
from contextlib import suppress

import httpx
import pytest

from lab.api import Api
from lab.traces.jaeger import Jaeger
from lab.traces.tree import NoTreeError, grow
from services.kit.bootstrap import SERVICES
from services.kit.message import Mode
from tests.e2e.traffic import halves, under_load
from tests.integration.waiting import eventually

RULES_EVALUATED_SECONDS = 180.0
KEPT_SECONDS = 180.0  # the Collector judges a saga 10 s after its end
ORDERS = 80
DOTTED = ("bandstand_order_duration_seconds_bucket", "traces_span_metrics_duration_seconds_bucket")


@pytest.fixture(scope="module")
def prometheus(release):
    with (
        release.forward("prometheus", 9090) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http,
    ):
        yield lambda what, **asked: http.get(f"/api/v1/{what}", params=asked).json()["data"]


@pytest.fixture(scope="module")
def jaeger(release):
    with release.forward("jaeger", 16686) as port:
        url = f"http://127.0.0.1:{port}"
        with Api(url) as api:
            yield Jaeger(api, url)


@pytest.fixture(scope="module")
def told():
    """What `placed` placed, for all tests that look at it."""
    return []


@pytest.fixture
def placed(told, order, order_url, database):
    """Orders in both modes that have ended, as the order service tells of them."""
    if not told:
        halves(order)
        with under_load(order_url, database, ORDERS, doomed=30) as load:
            pass
        told += [order.get(f"/orders/{each.order.id}", dict) for each in load.ledger.placed]
    return told


def test_everything_is_scraped_and_each_service_under_its_name(prometheus):
    def up():
        found = prometheus("query", query="up == 1")["result"]
        return sorted(each["metric"].get("service", each["metric"]["job"]) for each in found)

    parts = ("bandstand-collector", "bandstand-jaeger", "bandstand-operator")
    others = (*parts, "prometheus", "spans")
    eventually(lambda: up() == sorted([*SERVICES, *others]), "all targets are up")


def test_every_rule_is_evaluated_without_an_error(prometheus):
    def health():
        groups = prometheus("rules")["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    eventually(lambda: set(health().values()) == {"ok"}, within=RULES_EVALUATED_SECONDS)


def test_no_alert_fires_at_rest(prometheus):
    assert [each for each in prometheus("alerts")["alerts"] if each["state"] == "firing"] == []


def test_what_went_wrong_is_kept_whole_and_here_everything_else_as_well(placed, jaeger):
    wrong = {each["trace_id"]: each for each in placed if each["status"] == "rejected"}
    assert {each["mode"] for each in wrong.values()} == set(Mode)
    for trace, told in wrong.items():
        spans = eventually(
            lambda one=trace, told=told: whole(jaeger.trace(one), told), trace, KEPT_SECONDS
        )
        assert grow(spans).root.tags["saga.outcome"] == told["status"]
    for each in placed:
        trace = each["trace_id"]
        eventually(lambda one=trace: jaeger.trace(one), f"{trace} is kept", KEPT_SECONDS)


def test_no_span_of_theirs_is_lost_on_the_way_to_the_span_metrics(prometheus):
    def count(metric):
        return sum(float(each["value"][1]) for each in prometheus("query", query=metric)["result"])

    def agreed():
        made = count("bandstand_spans_total")
        return made if made == count("traces_span_metrics_calls_total") else None

    assert eventually(agreed, "as many counted as made", KEPT_SECONDS) > ORDERS


@pytest.mark.parametrize("metric", DOTTED)
def test_each_exemplar_leads_from_a_duration_to_a_trace(placed, prometheus, jaeger, metric):
    now = time.time()

    def named():
        found = prometheus("query_exemplars", query=metric, start=now - 600, end=now + 600)
        return {each["labels"]["trace_id"] for series in found for each in series["exemplars"]}

    traces = {each["trace_id"] for each in placed}
    found = eventually(lambda: named() & traces, "exemplars of these orders", KEPT_SECONDS)
    for trace in found:
        eventually(lambda one=trace: jaeger.trace(one), f"{trace} is kept", KEPT_SECONDS)


def whole(spans, order):
    """None of them hangs in the air, and everybody who said something of the order is there."""
    said = {each["source"] for each in order["timeline"]}
    with suppress(NoTreeError):
        return not grow(spans).orphans and said <= {span.service for span in spans} and spans
