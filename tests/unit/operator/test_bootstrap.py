"""An operator as it is put together: what it does, and only while it holds the lease."""

import httpx2
import pytest

from coordination_operator import __main__
from coordination_operator.bootstrap import RETRY, Operator
from coordination_operator.settings import PREFIX, Settings, load_settings
from tests.unit.operator.an_api_server import COORDINATIONS, ApiServer

COORDINATION = f"{COORDINATIONS}/orders"
SETTINGS = Settings(
    namespace="shop",
    identity="operator-0",
    lease="operator",
    services="order=http://127.0.0.1:9",
    token="t",
    port=0,
)


@pytest.fixture
def api():
    api = ApiServer()
    api.put_lease()
    return api


@pytest.fixture
def operator(api):
    operator = Operator(SETTINGS, api.client())
    yield operator
    operator.close()


def counted(operator, name):
    return operator.metrics.registry.get_sample_value(f"bandstand_operator_{name}")


def test_nothing_is_looked_at_by_who_does_not_hold_the_lease(operator, api):
    api.put_coordination({"mode": "Choreography"})
    assert operator.reconcile() == operator.reconcile_policies() == RETRY
    assert api.asked == {}


def test_who_holds_it_looks_and_says_what_cannot_be_seen(operator, api):
    api.put_coordination({"mode": "Choreography"})
    operator.await_turn()
    assert operator.health.leading
    assert counted(operator, "leader") == 1
    assert operator.reconcile() == RETRY
    status = api.objects[COORDINATION]["status"]
    assert status["conditions"][0]["reason"] == "OrderServiceUnavailable"


def test_who_has_to_assume_that_somebody_else_acts_does_not_and_says_so(operator, monkeypatch):
    operator.await_turn()
    monkeypatch.setattr("coordination_operator.lease.DURATION_SECONDS", 0)
    assert counted(operator, "leader") == 0
    assert operator.reconcile() == RETRY
    assert counted(operator, "reconcile_seconds_count") == 0


def test_what_does_not_answer_is_counted_and_asked_again(operator, api):
    operator.await_turn()
    api.trouble[COORDINATION] = httpx2.ReadTimeout("slow")
    assert operator.reconcile() == RETRY
    assert counted(operator, "reconcile_errors_total") == 1


def test_where_there_is_nothing_it_is_waited_for(operator):
    operator.await_turn()
    assert operator.reconcile() is None


def test_settings_that_are_missing_are_named_and_nothing_begins(monkeypatch, capsys):
    given = {f"{PREFIX}NAMESPACE": "shop"}
    monkeypatch.setattr(__main__, "load_settings", lambda: load_settings(given))
    assert __main__.main() == 2
    assert "identity" in capsys.readouterr().err
