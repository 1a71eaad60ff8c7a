"""One process: what it holds in memory is lost when it crashes, and it starts again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from services.kit.batch import BatchProcessor
from services.kit.connection import AWAY
from services.kit.faults import Faults
from services.kit.message import Message
from services.kit.session import OutboxRow
from services.kit.tracing import Tracing
from services.kit.wire import Record
from services.orchestrator.engine import Orchestrator
from services.orchestrator.timers import Timers
from services.order.heard import Horizon
from services.policy.point import EnforcementPoint
from services.policy.rulebook import Rules
from tests.simulator import front_door
from tests.simulator.broker import Place
from tests.simulator.database import MemoryDatabase, Store, away, faster
from tests.simulator.policies import book_of
from tests.simulator.repositories import MemoryPolicies
from tests.simulator.services import Blueprint, metrics, tracing

if TYPE_CHECKING:
    from tests.simulator.world import World

RESUME_AT_ONCE = 100


class Crash(BaseException):
    """The process is gone; nothing after this line happens."""


class Replica:
    """Its moments (`Moments`, and around publication) are where the world interferes."""

    def __init__(self, world: World, blueprint: Blueprint, number: int, store: Store) -> None:
        self.world, self.blueprint, self.number, self.store = world, blueprint, number, store
        self.name = f"{blueprint.name}-{number}"
        self.group = world.groups[blueprint.name]
        self.incarnation = 0
        self.heard_at: dict[int, float] = {}
        self.losses = world.plan.losses
        self.busy = self.in_batch = False
        self.start()

    def start(self) -> None:
        world, name = self.world, self.blueprint.service
        self.incarnation += 1
        self.positions: dict[Place, int] = {}
        self.done: dict[Place, int] = {}
        self.horizon = Horizon()
        self.held: tuple[list[Message], list[tuple[Record, str]]] | None = None
        self.point = EnforcementPoint(Rules(self.store.rules), MemoryPolicies())
        self.heard_at.setdefault(self.store.rules.version, world.clock.moment())
        self.tracing: Tracing = tracing(name)
        self.core = world.mutation.core(
            self.blueprint.core(Faults(world.plan.catalogue, self.incarnation), self.point)
        )
        self.producer = world.mutation.producer(world.broker, world.random, self.losses)
        self.relay = world.mutation.relay(self.producer, metrics(name), self.tracing)
        self.database = MemoryDatabase(self.store, self, world.mutation.session)
        self.processor = BatchProcessor(
            self.core, self.database, self, metrics(name), self.tracing, self.die, _no_hurry
        )

    def do(self, what: Callable[[], int]) -> int:
        """A turn of this process; returns how much was done."""
        self.busy = True
        try:
            return what()
        except AWAY:
            self.world.note("%s: the database is away", self.name)
            return 1
        except Crash:
            self.crash()
            return 1
        finally:
            self.busy = False

    def crash(self) -> None:
        self.world.note("%s crashes", self.name)
        self.producer.crash()
        self.start()

    def die(self) -> None:
        raise Crash

    # Moments -------------------------------------------------------------------------------

    def before_transaction(self) -> None:
        self._let_others_in("before its transaction")
        self._maybe_away()

    def before_commit(self) -> None:
        if self.world.hits(self.world.chaos.crash):
            self.world.note("%s dies before its commit", self.name)
            raise Crash
        self._maybe_away()
        if self.in_batch and self.world.hits(self.world.chaos.away):
            self.in_batch = False
            raise faster()

    def after_commit(self) -> None:
        if self.world.hits(self.world.chaos.crash):
            self.world.note("%s dies after its commit", self.name)
            raise Crash
        if self.world.hits(self.world.chaos.away):
            self.world.note("%s committed and does not know it", self.name)
            raise away()

    def publish(self, rows: Sequence[OutboxRow], twice: Sequence[OutboxRow] = ()) -> None:
        """The relay's `Publisher`, with a pause between commit and publication."""
        self._let_others_in("before it publishes")
        if rows:
            self.world.note("%s publishes %s", self.name, [row.record for row in rows])
        self.relay.publish(rows, twice)
        if self.world.hits(self.world.chaos.crash):
            self.world.note("%s dies after publication", self.name)
            raise Crash

    def _let_others_in(self, when: str) -> None:
        if self.world.hits(self.world.chaos.others_first):
            self.world.note("%s pauses %s", self.name, when)
            self.world.meanwhile()
            self.world.note("%s goes on", self.name)

    def _maybe_away(self) -> None:
        if self.world.hits(self.world.chaos.away):
            raise away()

    # Turns ---------------------------------------------------------------------------------

    def poll(self, most: int) -> int:
        """Up to `most` records of each partition; what could not be done is done again first.
        Counted is what was read, also if it was no concern: there may be more behind it."""
        before = sum(self.positions.values())
        if self.held is None:
            self.held = self._fetch(most)
        messages, unreadable = self.held
        if messages or unreadable:
            self.world.note("%s reads %s", self.name, messages)
            self._batch(lambda: self.processor.process(messages, unreadable))
        self.held = None
        self.done.update(self.positions)
        return max(sum(self.positions.values()) - before, len(messages) + len(unreadable))

    def _batch(self, work: Callable[[], None]) -> None:
        self.in_batch = True
        try:
            work()
        finally:
            self.in_batch = False

    def commit_offsets(self) -> int:
        """Only what was done: a batch that is still held must be read again after a crash."""
        self.group.commit(self.number, self.done)
        return 0

    def _fetch(self, most: int) -> tuple[list[Message], list[tuple[Record, str]]]:
        messages: list[Message] = []
        unreadable: list[tuple[Record, str]] = []
        fresh = self._with_news()
        for place in self.world.random.sample(fresh, len(fresh)) if fresh else ():
            start = self.position(place)
            entries = self.world.broker.logs[place][start : start + most]
            for entry in entries:
                if entry.message is None:
                    unreadable.append((entry.raw(), entry.malformed))
                elif self.core.concerns(entry.message):
                    messages.append(entry.message)
            self.positions[place] = start + len(entries)
        return messages, unreadable

    def _with_news(self) -> list[Place]:
        group, logs = self.group, self.world.broker.logs
        return [
            place
            for place in group.places
            if group.owners[place] == self.number
            and place in logs
            and len(logs[place]) > self.position(place)
        ]

    def position(self, place: Place) -> int:
        """Where to read on; a partition that comes back is read from its committed offset."""
        return self.positions.get(place, self.group.committed.get(place, 0))

    def forget_lost_partitions(self) -> None:
        mine = set(self.group.of(self.number))
        self.positions = {p: offset for p, offset in self.positions.items() if p in mine}
        self.done = {p: offset for p, offset in self.done.items() if p in mine}

    def deliver(self, most: int) -> int:
        return self.producer.deliver(most)

    def resume(self) -> int:
        """A listener parks nothing, and leaves to the worker what is parked."""
        due = [] if self.blueprint.listens_only else self.store.due(RESUME_AT_ONCE)
        if due:
            self.world.note("%s resumes %s", self.name, [message for message, _ in due])
            self._batch(lambda: self.processor.resume(due))
        return len(due)

    def sweep(self) -> int:
        before = len(self.producer)
        self.relay.sweep(self.database)
        return len(self.producer) - before

    def hear_of_rules(self) -> int:
        """As from the compacted topic: kept in the schema, then enforced."""
        book = book_of(self.world.newest_rules)
        if not self.point.rules.take(book):
            return 0
        self.store.rules = max(self.store.rules, book, key=lambda each: each.version)
        self.heard_at.setdefault(book.version, self.world.clock.moment())
        self.world.note("%s hears of rules %s", self.name, book.version)
        return 1

    def mind_the_clock(self) -> int:
        if isinstance(self.core, Orchestrator):
            timers = Timers(self.core, self.database, self, self.tracing, metrics("orchestrator"))
            timers.run()
        elif self.blueprint.name == "order":
            return front_door.nudge_overdue(self)
        return 0


def _no_hurry(_seconds: float) -> None:
    """The world looks for parked messages by itself."""
