"""What watches a release that has done nothing yet, then a little: it sees all, and is calm."""

import httpx
import pytest

from services.kit.bootstrap import SERVICES
from tests.integration.waiting import eventually

RULES_EVALUATED_SECONDS = 60.0


@pytest.fixture(scope="module")
def prometheus(release):
    with (
        release.forward("prometheus", 9090) as port,
        httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1/", timeout=30) as http,
    ):
        yield lambda what, **asked: http.get(what, params=asked).raise_for_status().json()["data"]


def test_every_pod_of_every_service_is_scraped_under_its_name(prometheus):
    def up():
        found = prometheus("query", query='up{job="bandstand"} == 1')["result"]
        return sorted(each["metric"]["service"] for each in found)

    eventually(lambda: up() == sorted(SERVICES), "every service is scraped")


def test_every_rule_is_evaluated_without_an_error(prometheus):
    def health():
        groups = prometheus("rules")["groups"]
        return {rule["name"]: rule["health"] for group in groups for rule in group["rules"]}

    eventually(lambda: set(health().values()) == {"ok"}, within=RULES_EVALUATED_SECONDS)


def test_no_alert_fires_at_rest(prometheus):
    firing = [each for each in prometheus("alerts")["alerts"] if each["state"] == "firing"]
    assert firing == []
