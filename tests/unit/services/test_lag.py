"""A reader tells how far it is behind, from what it knows anyway."""

from kafka.errors import IllegalStateError
from kafka.structs import TopicPartition

from services.kit.lag import Lag
from services.kit.metrics import Metrics

EVENTS, COMMANDS = "payments.choreography.events", "inventory.commands"


class Consumer:
    def __init__(self, ends, positions):
        self.ends, self.positions = ends, positions

    def assignment(self):
        return set(self.ends)

    def highwater(self, partition):
        return self.ends[partition]

    def position(self, partition, timeout_ms):
        if partition not in self.positions:
            raise IllegalStateError("Partition is not assigned")
        return self.positions[partition]


def told(*consumers):
    metrics = Metrics("inventory")
    lag = Lag(metrics, "inventory", [EVENTS, COMMANDS])
    for consumer in consumers:
        lag.tell(consumer)
    name = "bandstand_consumer_lag_messages"
    found = {}
    for topic, mode in ((EVENTS, "choreography"), (COMMANDS, "orchestration")):
        labels = {"group": "inventory", "topic": topic, "mode": mode}
        found[topic] = metrics.registry.get_sample_value(name, labels)
    return found


def at(partition, topic=EVENTS):
    return TopicPartition(topic, partition)


def test_lag_is_the_end_less_the_position_summed_over_partitions():
    assert told(Consumer({at(0): 12, at(1): 5}, {at(0): 10, at(1): 4})) == {EVENTS: 3, COMMANDS: 0}


def test_a_partition_that_was_taken_away_is_no_longer_counted():
    assert told(Consumer({at(0): 12}, {at(0): 2}), Consumer({}, {}))[EVENTS] == 0


def test_a_partition_that_was_just_assigned_leaves_the_last_word_standing():
    before = Consumer({at(0): 12}, {at(0): 2})
    assert told(before, Consumer({at(0): 12, at(1): None}, {at(0): 12}))[EVENTS] == 10


def test_a_partition_that_goes_in_the_midst_of_it_does_no_harm():
    before = Consumer({at(0): 12}, {at(0): 2})
    assert told(before, Consumer({at(0): 12, at(1): 3}, {at(0): 12}))[EVENTS] == 10


def test_commands_are_of_the_orchestra():
    found = told(Consumer({at(0, COMMANDS): 7}, {at(0, COMMANDS): 0}))
    assert found == {EVENTS: 0, COMMANDS: 7}
