"""A drain is over when nothing of the mode can be under way any more."""

import pytest
from kafka import TopicPartition

from lab.coordination import drain as drain_module
from lab.coordination.drain import Drain, Left
from lab.errors import NotReadyError
from services.kit.message import Mode

DONE = Left(0, 0, 0)
PARTITION = TopicPartition("orders.events", 0)


class Stage:
    """Database and broker in one, each playing a script whose last line is repeated."""

    def __init__(self, left=(DONE,), behind=(0,), ends=(10,)):
        self.scripts = {"left": list(left), "behind": list(behind), "ends": list(ends)}
        self.said = []

    def _next(self, name):
        script = self.scripts[name]
        return script.pop(0) if len(script) > 1 else script[0]

    def row(self, _query, _shape, mode):
        return self._next("left")

    def ends(self, mode):
        return {PARTITION: self._next("ends")}

    def behind(self, ends):
        return self._next("behind")

    def drain(self, timeout=5.0):
        return Drain(Mode.CHOREOGRAPHY, self, self, self.said.append).wait(timeout)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(drain_module, "PAUSE_SECONDS", 0)


def test_a_mode_with_nothing_left_has_drained():
    assert Stage().drain() < 1


def test_it_counts_down_and_says_each_number_once():
    stage = Stage(left=[Left(2, 0, 0), Left(2, 0, 0), Left(1, 1, 0), DONE])
    stage.drain()
    assert stage.said == ["choreography: 2 open", "choreography: 1 open, 1 unsent"]


def test_unread_messages_are_waited_for():
    stage = Stage(behind=[5, 0])
    stage.drain()
    assert stage.said == ["choreography: 5 unread"]


def test_what_was_written_meanwhile_is_waited_for_as_well():
    stage = Stage(behind=[1, 0, 1, 0], ends=[10, 11, 11, 11])
    stage.drain()
    assert stage.said == ["choreography: 1 unread"]
    assert stage.scripts["behind"] == [0]


def test_what_is_left_again_after_reading_is_waited_for():
    stage = Stage(left=[DONE, Left(0, 0, 1), Left(0, 0, 1), DONE])
    stage.drain()
    assert stage.said == ["choreography: 1 waiting"]


def test_a_mode_that_never_drains_is_an_error_that_says_what_is_left():
    with pytest.raises(NotReadyError, match="3 open"):
        Stage(left=[Left(3, 0, 0)]).drain(timeout=0)
