"""Who asks for the broker is answered in time, however long the broker takes."""

import threading
from types import SimpleNamespace

import pytest
from kafka.errors import KafkaConnectionError, KafkaError, KafkaTimeoutError

from services.kit.probe import BrokerProbe
from tests.integration.waiting import eventually

IMPATIENTLY = pytest.mark.parametrize("patience", [0.05])


class Broker:
    """Whose clients wait while it is `stuck`; `asked` counts the clients that were made."""

    def __init__(self):
        self.free, self.there, self.asked, self.closed = threading.Event(), True, 0, False
        self.free.set()

    def client(self):
        self.asked += 1
        if not self.there:
            raise KafkaConnectionError("nobody")
        return SimpleNamespace(describe_cluster=self.describe, close=self.close)

    def describe(self):
        self.free.wait()
        return {"brokers": []}

    def close(self):
        self.closed = True


@pytest.fixture
def broker():
    return Broker()


@pytest.fixture
def patience():
    return 60.0


@pytest.fixture
def asked(broker, patience):
    asked = BrokerProbe(broker.client, patience=patience, held=0.0)
    yield asked
    broker.free.set()
    asked.close()


def test_a_broker_that_is_there_answers(asked):
    assert asked.answers()


@IMPATIENTLY
def test_who_asks_while_the_client_is_stuck_hears_that_there_is_no_answer(broker, asked):
    broker.free.clear()
    assert not asked.answers()
    with pytest.raises(KafkaTimeoutError):
        asked.ask(lambda admin: admin.describe_cluster())
    broker.free.set()
    assert eventually(asked.answers, "it answers again")


@IMPATIENTLY
def test_what_nobody_waits_for_any_more_is_not_asked(broker, asked):
    broker.free.clear()
    assert not asked.answers()
    late = []
    with pytest.raises(KafkaTimeoutError):
        asked.ask(late.append)
    broker.free.set()
    assert eventually(asked.answers, "it answers again")
    assert late == []


def test_a_client_that_could_not_be_made_is_made_anew(broker, asked):
    broker.there = False
    assert not asked.answers()
    with pytest.raises(KafkaError, match="nobody"):
        asked.ask(lambda _: None)
    broker.there = True
    assert asked.answers()
    assert broker.asked == 3


def test_an_answer_holds_for_a_while(broker):
    asked = BrokerProbe(broker.client, held=1_000.0)
    assert asked.answers()
    broker.there = False
    broker.free.clear()
    assert asked.answers()
    broker.free.set()
    asked.close()


def test_its_client_is_closed_with_it(broker, asked):
    assert asked.answers()
    asked.close()
    assert broker.closed
