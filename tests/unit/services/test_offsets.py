"""Whatever fails or comes between: commits never go back, and in the end none is missing."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from kafka.structs import TopicPartition

from services.kit.offsets import Offsets

PLACES = [TopicPartition("t", 0), TopicPartition("t", 1)]
PLACE = st.sampled_from(PLACES)


class Reader(RuleBasedStateMachine):
    """One replica, and the broker as it is: it has a commit when it is sent, unless that fails, and
    tells so later, in any order."""

    def __init__(self):
        super().__init__()
        self.offsets = Offsets()
        self.committed = dict.fromkeys(PLACES, 0)
        self.position = {}
        self.batch, self.underway = {}, []

    @rule(place=PLACE)
    def come(self, place):
        self.position.setdefault(place, self.committed[place])
        self.offsets.keep(self.position)

    @rule(place=PLACE, is_lost=st.booleans(), read_by_others=st.integers(0, 3))
    def leave(self, place, is_lost, read_by_others):
        if self.position.pop(place, None) is None:
            return
        self.batch.pop(place, None)
        if is_lost:
            self.offsets.forget([place])
        else:
            self.offsets.keep(self.position)
        self.committed[place] += read_by_others

    @precondition(lambda self: not self.batch)
    @rule(records=st.dictionaries(PLACE, st.integers(1, 3)))
    def take(self, records):
        self.batch = {
            place: self.position[place] + number
            for place, number in records.items()
            if place in self.position
        }
        self.offsets.take(self.batch)

    @rule()
    def done(self):
        self.position |= self.batch
        self.batch = {}
        self.offsets.done()

    @rule(arrives=st.booleans())
    def tell(self, arrives):
        told = self.offsets.tell()
        assert set(told) <= set(self.position)
        if told:
            self.underway.append((told, arrives))
        if arrives:
            assert all(told[place] >= self.committed[place] for place in told)
            self.committed |= told

    @precondition(lambda self: self.underway)
    @rule(data=st.data())
    def answer(self, data):
        told, arrived = self.underway.pop(data.draw(st.integers(0, len(self.underway) - 1)))
        if not arrived:
            self.offsets.failed(told)

    @rule()
    def come_to_rest(self):
        while self.underway:
            told, arrived = self.underway.pop()
            if not arrived:
                self.offsets.failed(told)
        self.tell(arrives=True)
        self.underway.clear()
        assert {place: self.committed[place] for place in self.position} == self.position

    @invariant()
    def nothing_is_committed_that_was_not_read(self):
        assert all(self.committed[place] <= at for place, at in self.position.items())


TestReader = Reader.TestCase
