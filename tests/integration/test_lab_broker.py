"""The broker's own books: what was written, and what somebody has yet to read."""

import pytest
from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.admin import NewTopic

from lab.broker import Broker, carries, is_ours, lag
from services.kit.message import Mode, topic_of
from services.messages import COMMANDS, EVENTS
from tests.integration.broker import a_producer, administrator

TOPIC = "orders.choreography.events"
PARTITION = TopicPartition(TOPIC, 0)


@pytest.fixture
def broker(empty_broker):
    with administrator(empty_broker) as admin:
        admin.create_topics([NewTopic(TOPIC, 1, 1)])
        admin.wait_for_topics([TOPIC])
    with Broker(empty_broker) as broker:
        yield broker


def write(bootstrap, messages):
    producer = a_producer(bootstrap)
    for _ in range(messages):
        producer.send(TOPIC, key=b"k", value=b"v" * 100, partition=0)
    producer.close()


def commit(bootstrap, offset):
    consumer = KafkaConsumer(
        bootstrap_servers=bootstrap, group_id="reader", enable_auto_commit=False
    )
    consumer.assign([PARTITION])
    consumer.commit({PARTITION: OffsetAndMetadata(offset, "", -1)})
    consumer.close()


def test_what_is_written_unread_and_committed_is_told(broker, empty_broker):
    before = broker.written()
    write(empty_broker, 10)
    written = broker.written().since(before)
    assert written.messages == 10
    assert written.bytes > 0
    ends = broker.ends(Mode.CHOREOGRAPHY)
    assert ends == {PARTITION: 10}
    assert broker.ends(Mode.ORCHESTRATION) == {}
    assert broker.behind(ends) == 0
    commit(empty_broker, 4)
    assert broker.behind(ends) == 6
    write(empty_broker, 5)
    assert broker.behind(ends) == 6
    commit(empty_broker, 12)
    assert broker.behind(ends) == 0


@pytest.mark.parametrize(
    ("topic", "mode"),
    [
        ("orders.choreography.events", Mode.CHOREOGRAPHY),
        ("orders.orchestration.events", Mode.ORCHESTRATION),
        ("orders.commands", Mode.ORCHESTRATION),
    ],
)
def test_each_mode_has_topics_of_its_own(topic, mode):
    assert [each for each in Mode if carries(topic, each)] == [mode]


def test_every_message_travels_on_a_topic_that_is_known_to_carry_its_mode():
    for mode in Mode:
        assert all(carries(topic_of(event, mode), mode) for event in EVENTS)
    assert all(carries(topic_of(each, Mode.ORCHESTRATION), Mode.ORCHESTRATION) for each in COMMANDS)


def test_lag_counts_only_what_a_group_reads():
    other = TopicPartition(TOPIC, 1)
    assert lag({PARTITION: 10, other: 7}, {PARTITION: 4}) == 6
    assert lag({PARTITION: 10}, {PARTITION: 12}) == 0


@pytest.mark.parametrize(
    ("topic", "ours"),
    [
        ("orders.choreography.events", True),
        ("payment.dead-letter", True),
        ("__consumer_offsets", False),
    ],
)
def test_only_bandstands_topics_are_counted(topic, ours):
    assert is_ours(topic) == ours
