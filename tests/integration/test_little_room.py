"""The broker as the chart sets it up, on a claim that is soon full: what goes, and what stays."""

import pytest
from kafka import KafkaConsumer, TopicPartition

from lab.stack.kafka.settings import BrokerPorts, broker_settings
from lab.stack.ports import Ports
from services.kit.broker import POLICIES, make_topics
from services.kit.settings import KafkaSettings
from tests.integration.broker import a_producer
from tests.integration.broker_process import a_broker, java_with_kafka
from tests.integration.waiting import eventually
from tests.unit.rendering import kafka_properties

EVENTS, LETTERS = "orders.choreography.events", "order.dead-letter"
TOPICS = (EVENTS, LETTERS, POLICIES)
SMALL = "--set=kafka.storage.size=64Mi,settings.partitions=1"
MESSAGE = bytes(100_000)
MESSAGES = 100
SOON = {"log.initial.task.delay.ms": "0"}


@pytest.fixture(scope="module")
def sizes():
    """As the chart says, of a claim that is as small as one can be."""
    return {
        name: value
        for name, value in kafka_properties(SMALL).items()
        if name.startswith("log.") and name != "log.dirs"
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("little")


@pytest.fixture(scope="module")
def flooded(infra, folder, sizes):
    """Ten megabytes of each kind, where a topic of events has room for less than three."""
    java, ports = java_with_kafka(), Ports()
    used = BrokerPorts(ports.take(), ports.take())
    settings = {**broker_settings(used, folder / "data"), **sizes, **SOON}
    with a_broker(java, folder, settings, used.broker) as bootstrap:
        make_topics(KafkaSettings(kafka=bootstrap, partitions=1), TOPICS, TOPICS)
        producer = a_producer(bootstrap)
        for topic in TOPICS:
            for number in range(MESSAGES):
                producer.send(topic, MESSAGE, key=str(number).encode())
        producer.flush()
        producer.close()
        yield bootstrap


@pytest.fixture
def first(flooded):
    """The oldest record that is left of a topic."""
    consumer = KafkaConsumer(bootstrap_servers=flooded)

    def offset(topic):
        place = TopicPartition(topic, 0)
        return consumer.beginning_offsets([place])[place]

    yield offset
    consumer.close()


def test_the_oldest_messages_go_before_the_disk_is_full_and_nothing_else_does(first, folder, sizes):
    room = int(sizes["log.retention.bytes"]) + int(sizes["log.segment.bytes"])

    def taken():
        files = (folder / "data" / f"{EVENTS}-0").glob("*.log*")
        return sum(map(size, files))

    assert room < MESSAGES * len(MESSAGE)
    eventually(lambda: taken() <= room, "there is room again")
    assert 0 < first(EVENTS) < MESSAGES
    assert (first(LETTERS), first(POLICIES)) == (0, 0)


def size(file):
    """Nothing, of one that the broker has renamed or removed since it was listed."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0
