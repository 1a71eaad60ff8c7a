"""Switching in a storm, where whoever is asked may have been killed a moment ago."""

import threading
from types import SimpleNamespace

import msgspec
import pytest

from lab.api import ProblemError
from lab.demo import storm
from lab.demo.programme import programme
from lab.demo.storm import weather
from lab.errors import NotReadyError
from services.kit.message import Mode

ONE_SWITCH = msgspec.structs.replace(programme(100, seed=1, faults=()), switch_at=(0.2,))
AWAY = NotReadyError("connection refused")
STARTING = ProblemError("PUT /coordination: 503 no database yet", 503)
FORBIDDEN = ProblemError("PUT /coordination: 403 wrong token", 403)


class Route(SimpleNamespace):
    def leaves(self, mode):
        return mode is not self.mode


class Stage:
    """What it is asked fails as long as there are `failures`; the load is over once the conductor
    has nothing more to switch."""

    def __init__(self, *failures, answer_lost=False):
        self.failures, self.answer_lost = list(failures), answer_lost
        self.now = Route(mode=Mode.CHOREOGRAPHY, epoch=2)
        self.conducted = threading.Event()
        self.database = None

    def route(self):
        self._fail()
        return self.now

    def switch(self, mode):
        self._fail()
        self.now = Route(mode=mode, epoch=self.now.epoch + 1)
        if self.answer_lost:
            self.answer_lost = False
            raise AWAY
        return self.now

    def drain(self, _mode, _timeout):
        self.conducted.set()
        return 1.5

    def load(self, orders, _seed):
        ledger = SimpleNamespace(planned=range(orders), placed=range(orders), ids=[])
        return SimpleNamespace(ledger=ledger, open=lambda *_: self.conducted.wait(10))

    def meter(self):
        return SimpleNamespace(begin=lambda: None, tick=lambda: None, costs=lambda: None)

    def await_quiet(self, _timeout):
        return True

    def _fail(self):
        if self.failures:
            failure = self.failures.pop(0)
            if failure is FORBIDDEN:
                self.conducted.set()
            raise failure


@pytest.fixture(autouse=True)
def no_summary(monkeypatch):
    monkeypatch.setattr(storm, "summarize", lambda *_: None)
    monkeypatch.setattr(storm, "TURN_SECONDS", 0)


def drains(stage):
    return weather(stage, ONE_SWITCH, None, lambda _: None).drains


@pytest.mark.parametrize("failure", [AWAY, STARTING])
def test_whoever_is_just_coming_back_is_asked_again(failure):
    assert drains(Stage(failure, failure, failure)) == {3: 1.5}


def test_a_switch_whose_answer_was_lost_is_not_made_twice():
    stage = Stage(answer_lost=True)
    assert drains(stage) == {3: 1.5}
    assert (stage.now.mode, stage.now.epoch) == (Mode.ORCHESTRATION, 3)


def test_a_refusal_is_no_matter_of_time():
    with pytest.raises(ProblemError, match="403"):
        drains(Stage(FORBIDDEN))
