"""Offsets reach the real broker, whatever becomes of it meanwhile."""

import os
import signal
import threading
from contextlib import contextmanager, suppress
from types import SimpleNamespace

import pytest
from kafka.errors import KafkaError

from services.kit.broker import make_admin, make_consumer, make_producer
from services.kit.settings import Settings
from services.kit.worker import Worker
from tests.integration.waiting import eventually
from tests.simulator.services import metrics

CORE = SimpleNamespace(name="order", inbox="", concerns=lambda message: True)


@pytest.fixture
def settings(bootstrap):
    return Settings(kafka=bootstrap, database_url="postgresql://nobody", instance="order-0")


@pytest.fixture
def put(settings, topic):
    """Something unreadable, which is read all the same."""
    producer = make_producer(settings)
    yield lambda: producer.send(topic, b"?", partition=0).get(30)
    producer.close(timeout=1.0)


@pytest.fixture
def committed(settings, topic):
    admin = make_admin(settings)

    def committed():
        """None while the broker is away."""
        with suppress(KafkaError, OSError):
            found = admin.list_group_offsets([topic])[topic]
            return {place.partition: each.offset for place, each in found.items()}

    yield committed
    admin.close()


@contextmanager
def at_work(settings, topic, process):
    processor = SimpleNamespace(process=lambda _, unreadable: process(len(unreadable)))
    worker = Worker(
        CORE,
        processor,
        lambda: make_consumer(settings, topic),
        [topic],
        (),
        metrics("order"),
        frozenset(),
    )
    thread = threading.Thread(target=worker.run, daemon=True)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join()
    assert worker.failure is None


def test_what_is_read_is_committed_though_the_broker_ends_before_that(
    infra, settings, topic, put, committed
):
    put()
    killed = []

    def handle_and_lose_the_broker(_):
        killed.append(infra.pid("kafka"))
        os.kill(killed[0], signal.SIGKILL)

    with at_work(settings, topic, handle_and_lose_the_broker):
        eventually(lambda: committed() == {0: 1}, "it is committed though nothing more comes")
    assert len(killed) == 1
