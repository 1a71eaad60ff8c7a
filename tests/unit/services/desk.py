"""A batch processor over inventory in memory, at whose critical moments things go wrong."""

from __future__ import annotations

from services.inventory.service import PLAYBOOK
from services.kit.batch import BatchProcessor
from services.kit.faults import Catalogue, Faults, Rule
from services.kit.participant import Participant
from tests.simulator.database import Clock, MemoryDatabase, Store
from tests.simulator.repositories import MemoryStock
from tests.simulator.services import WORDS, full_shelves, metrics, tracing


class Died(BaseException):
    """Stands for SIGKILL."""


class Mishaps:
    """What happens at each moment, one after the other: an error comes, or somebody else does."""

    def __init__(self) -> None:
        self.coming = {"before_transaction": [], "before_commit": [], "after_commit": []}

    def _come(self, moment):
        mishap = self.coming[moment].pop(0) if self.coming[moment] else None
        if isinstance(mishap, BaseException):
            raise mishap
        if mishap is not None:
            mishap()

    def before_transaction(self):
        self._come("before_transaction")

    def before_commit(self):
        self._come("before_commit")

    def after_commit(self):
        self._come("after_commit")


class Desk:
    """A processor over inventory; `published` is what it told, in order."""

    def __init__(self, *rules: Rule) -> None:
        self.clock, self.shelves, self.mishaps = Clock(), full_shelves(10), Mishaps()
        self.store = Store(self.clock, self.shelves)
        self.published, self.twice, self.hurries = [], [], []
        faults = Faults(Catalogue(1, rules))
        core = Participant("inventory", PLAYBOOK, WORDS, MemoryStock(), faults)
        database = MemoryDatabase(self.store, self.mishaps)
        self.processor = BatchProcessor(
            core,
            database,
            self,
            metrics("inventory"),
            tracing("inventory"),
            self.die,
            self.hurries.append,
        )

    def publish(self, rows, twice=()):
        self.published += [row.record for row in rows]
        self.twice += [row.record for row in twice]

    def acknowledge(self):
        self.store.outbox.clear()

    def die(self):
        raise Died

    def process(self, *messages, unreadable=()):
        self.processor.process(messages, unreadable)

    def told(self):
        return [record.message_id.partition(":")[2] for record in self.published]

    @property
    def letters(self):
        return [record for record in self.published if record.topic == "inventory.dead-letter"]

    @property
    def moves(self):
        return [(order, str(move)) for order, move in self.shelves.moves]
