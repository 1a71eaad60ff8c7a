"""What kafka-python makes of the settings that we give its clients."""

import pytest
from kafka import TopicPartition
from kafka.producer.record_accumulator import RecordAccumulator
from kafka.producer.sender import Sender

from services.kit import broker
from services.kit.broker import CONNECTING_MS, make_producer
from services.kit.settings import Settings

BROKER = 0


@pytest.fixture
def client(monkeypatch):
    """The producer's own, of a broker that nobody has reached yet."""
    monkeypatch.setattr(broker, "KafkaProducer", dict)
    settings = make_producer(Settings(database_url="", kafka="127.0.0.1:9", instance="order-0"))
    client = settings["kafka_client"](**settings)
    yield client
    client.close()


@pytest.fixture
def sender(client, monkeypatch):
    """With a record for that broker."""
    records = RecordAccumulator()
    records.append(TopicPartition("orders", 0), None, b"key", b"value", [])
    monkeypatch.setattr(client.cluster, "leader_for_partition", lambda _: BROKER)
    monkeypatch.setattr(client, "maybe_connect", lambda *_, **__: None)
    return Sender(client, client.cluster, records)


def test_a_producer_that_is_connecting_does_not_ask_all_the_time(sender):
    assert sender._send_producer_data() >= CONNECTING_MS


def test_nor_one_that_waits_before_it_tries_again(client, sender):
    client._manager.update_backoff(BROKER)
    assert sender._send_producer_data() >= CONNECTING_MS
