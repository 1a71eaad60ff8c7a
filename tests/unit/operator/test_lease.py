"""Whose turn it is: one replica's at a time, whatever anybody's clock says."""

import threading

import httpx2
import pytest

from coordination_operator.lease import DURATION_SECONDS, Tenure
from tests.integration.waiting import eventually
from tests.unit.operator.an_api_server import LEASES, ApiServer

LEASE = f"{LEASES}/operator"


class Replicas:
    """Two of them, each with a clock of its own that shows what it likes."""

    def __init__(self):
        self.api = ApiServer()
        self.api.put_lease()
        self.times = {"a": 5_000.0, "b": 90.0}
        self.a, self.b = (self._replica(name) for name in self.times)

    def _replica(self, name):
        return Tenure(self.api.client(), "operator", name, clock=lambda: self.times[name])

    def wait(self, seconds):
        for name in self.times:
            self.times[name] += seconds

    @property
    def lease(self):
        return self.api.objects[LEASE]

    def shift_what_the_holder_writes(self, text):
        self.lease["spec"]["renewTime"] = text


@pytest.fixture
def replicas():
    return Replicas()


def test_the_first_to_come_has_it_and_the_other_waits(replicas):
    assert (replicas.a.claim(), replicas.b.claim()) == (True, False)
    assert (replicas.a.held, replicas.b.held) == (True, False)


def test_what_is_given_up_is_the_next_ones_at_once(replicas):
    replicas.a.claim()
    replicas.a.give_up()
    assert replicas.b.claim()
    assert replicas.lease["spec"]["leaseTransitions"] == 2


def test_who_is_killed_is_followed_when_the_lease_is_up_and_not_before(replicas):
    replicas.a.claim()
    assert not replicas.b.claim()
    replicas.wait(DURATION_SECONDS - 1)
    assert not replicas.b.claim()
    replicas.wait(2)
    assert not replicas.a.held
    assert replicas.b.claim()
    assert not replicas.a.claim()


def test_who_renews_it_keeps_it(replicas):
    for _ in range(10):
        assert replicas.a.claim()
        assert not replicas.b.claim()
        replicas.wait(DURATION_SECONDS - 1)


@pytest.mark.parametrize("shown", ["2001-01-01T00:00:00Z", "2199-01-01T00:00:00Z"])
def test_a_holder_whose_clock_is_wrong_is_neither_robbed_nor_waited_for_for_ever(replicas, shown):
    replicas.a.claim()
    replicas.shift_what_the_holder_writes(shown)
    assert not replicas.b.claim()
    replicas.wait(DURATION_SECONDS + 1)
    assert replicas.b.claim()


def test_of_two_that_claim_at_the_same_time_one_has_it(replicas):
    replicas.api.interferes = replicas.b.claim
    assert not replicas.a.claim()
    assert (replicas.a.held, replicas.b.held) == (False, True)


@pytest.mark.parametrize("trouble", [404, 500, 503, httpx2.ReadTimeout("slow")])
def test_who_cannot_renew_it_has_it_until_somebody_else_may(replicas, trouble):
    replicas.a.claim()
    replicas.api.trouble[LEASE] = trouble
    assert not replicas.a.claim()
    assert replicas.a.held
    replicas.wait(DURATION_SECONDS)
    assert not replicas.a.held
    replicas.api.trouble.clear()
    assert replicas.a.claim()


def test_what_others_note_at_the_lease_is_kept(replicas):
    replicas.a.claim()
    replicas.lease["metadata"]["annotations"] = {"bandstand.dev/coordinations": "{}"}
    replicas.a.claim()
    assert replicas.lease["metadata"]["annotations"] == {"bandstand.dev/coordinations": "{}"}


def test_who_has_lost_it_says_so(monkeypatch, replicas):
    monkeypatch.setattr("coordination_operator.lease.RENEW_SECONDS", 0.001)
    lost, beats = threading.Event(), []
    replicas.a.claim()
    arguments = (lost.set, lambda: beats.append(1))
    thread = threading.Thread(target=replicas.a.keep, args=arguments)
    thread.start()
    eventually(lambda: beats)
    replicas.api.trouble[LEASE] = 500
    replicas.wait(DURATION_SECONDS + 1)
    thread.join(timeout=60)
    assert lost.is_set()


def test_who_waits_beats_until_it_is_its_turn(monkeypatch, replicas):
    monkeypatch.setattr("coordination_operator.lease.RENEW_SECONDS", 0.001)
    replicas.a.claim()
    replicas.b.await_turn(lambda: replicas.wait(1))
    assert replicas.b.held
