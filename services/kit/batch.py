"""One polled batch, one transaction: inbox, state and outbox commit together, then it is told.

A batch whose transaction is refused by its content is done again message by message; the one at
fault goes to the dead-letter topic with the reason, and the others have their effect.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import psycopg

from services.kit.committed import Committed, Teller
from services.kit.connection import AWAY
from services.kit.crash_points import Point
from services.kit.dead_letters import as_read, dead_letter, topic_of_letters
from services.kit.effects import Effects, Handled
from services.kit.faults import Fault, Faults
from services.kit.message import Message, Mode
from services.kit.metrics import Metrics
from services.kit.relay import Publisher
from services.kit.session import Arrival, Database, OutboxRow, Session
from services.kit.tracing import Noted, Tracing
from services.kit.wire import Record, to_record

log = logging.getLogger(__name__)

Batch = Sequence[tuple[Message, int]]
Unreadable = Sequence[tuple[Record, str]]


class Core(Protocol):
    """What a service decides; a participant or the orchestrator."""

    @property
    def name(self) -> str: ...

    @property
    def faults(self) -> Faults: ...

    @property
    def inbox(self) -> str:
        """What tells this reader's inbox entries from those of another in the same schema."""

    def concerns(self, message: Message) -> bool: ...

    def read_ahead(self, session: Session, batch: Batch) -> Any: ...

    def execute(self, session: Session, batch: Batch, answers: Any) -> Effects: ...


def reader_of(core: Core) -> str:
    """Who reads: a service may do so twice, as itself and as a listener beside it."""
    return core.name + core.inbox


class Storage(Database, Protocol):
    def reader(self) -> Session: ...


class BatchProcessor:
    def __init__(
        self,
        core: Core,
        database: Storage,
        publisher: Publisher,
        metrics: Metrics,
        tracing: Tracing,
        crash: Callable[[], None],
        parked: Callable[[float], None],
    ) -> None:
        self._core = core
        self._database = database
        self._publisher = publisher
        self._metrics = metrics
        self._tracing = tracing
        self._crash = crash
        self._teller = Teller(core.inbox, metrics, tracing, parked)
        self._points = core.faults.crash_points

    def process(self, fresh: Sequence[Message], unreadable: Unreadable = ()) -> None:
        """Handle polled messages; raise one of `AWAY` when the database is."""
        self._points.handling(Point.AFTER_POLL, fresh)
        self._run([(message, 0) for message in fresh], unreadable)

    def resume(self, due: Batch) -> None:
        """Handle parked messages whose time has come."""
        self._run(due, (), parked=True)

    def _run(self, batch: Batch, unreadable: Unreadable, parked: bool = False) -> None:
        try:
            self._attempt_again(batch, unreadable, parked)
        except AWAY:
            raise
        except Exception as error:
            if len(batch) == 1 and not unreadable:
                self._bury(*batch[0], error, parked)
                return
            log.warning("a batch of %d is done one by one: %r", len(batch), error)
            for one in batch:
                self._run([one], (), parked)
            for one_unreadable in unreadable:
                self._attempt([], [one_unreadable], parked)

    def _attempt_again(self, batch: Batch, unreadable: Unreadable, parked: bool) -> None:
        """A unique violation means that a replica was faster; its row is there the next time."""
        try:
            self._attempt(batch, unreadable, parked)
        except psycopg.errors.UniqueViolation as error:
            log.info("a replica was faster: %s", error)
            self._attempt(batch, unreadable, parked)

    def _attempt(self, batch: Batch, unreadable: Unreadable, parked: bool) -> None:
        started, waited = time.time(), self._database.waited
        answers = self._core.read_ahead(self._database.reader(), batch)
        committed = self._commit(batch, unreadable, answers, parked, started)
        waited = max(self._database.waited - waited, 0.0)
        effects = committed.effects
        self._maybe_crash(Fault.CRASH_AFTER_COMMIT, effects.heard)
        done = (each.message for each in effects.handled)
        self._points.handling(Point.AFTER_COMMIT_BEFORE_PUBLISH, done)
        self._publisher.publish([*committed.resend, *committed.rows], self._twice(committed))
        self._teller.tell(committed, started, waited)

    def _commit(
        self, batch: Batch, unreadable: Unreadable, answers: Any, parked: bool, started: float
    ) -> Committed:
        with self._database.transaction() as session:
            known = self._admit(session, [message for message, _ in batch], parked)
            todo, duplicates = _split(batch, known)
            self._points.handling(Point.AFTER_INBOX_INSERT, (message for message, _ in todo))
            effects = self._core.execute(session, todo, answers) if todo else Effects()
            undone = (done.message for done in effects.handled if done.backward)
            self._points.handling(Point.IN_COMPENSATION, undone)
            if effects.parked:
                session.park(effects.parked)
            letters = self._letters(session, unreadable)
            records = [*self._records(effects, _tries(todo)), *letters]
            sagas = sorted({message.saga_id for message in duplicates})
            resend = session.unsent(sagas) if sagas else []
            session.send(records)
            noted = self._spans(effects, _tries(todo), started)
            self._tracing.note(noted)
            self._maybe_crash(Fault.CRASH_BEFORE_COMMIT, effects.heard)
            self._points.handling(Point.BEFORE_COMMIT, (message for message, _ in todo))
        return Committed(effects, session.sent, resend, duplicates, noted)

    def _spans(self, effects: Effects, tries: dict[str, int], started: float) -> list[Noted]:
        """What this transaction's spans will be, if it commits; none of unsampled sagas. They are
        proven by this reader's inbox, not by that of another in the same schema."""
        found, tracing = list[Noted](), self._tracing
        for done in effects.heard:
            found += tracing.handled(done, tries.get(done.message.id, 0), started)
        for parked in effects.parked:
            found += tracing.put_off(parked, tries.get(parked.message.id, 0), started)
        for saga in effects.closed:
            found += tracing.closed(saga)
        return [Noted(key + self._core.inbox, span) for key, span in found]

    def _admit(self, session: Session, messages: Sequence[Message], parked: bool) -> set[str]:
        """The receipts of those that this transaction, and no other, is to act upon."""
        if not messages:
            return set()
        if parked:
            unparked = session.unpark([message.id for message in messages])
            return {message.receipt for message in messages if message.id in unparked}
        mark = self._core.inbox
        arrivals = [Arrival(m.receipt + mark, m.mode.value, m.epoch) for m in messages]
        return {receipt.removesuffix(mark) for receipt in session.receive(arrivals)}

    def _bury(self, message: Message, tries: int, error: Exception, parked: bool) -> None:
        started = time.time()
        log.error("%s is dead-lettered: %r", message.id, error)
        with self._database.transaction() as session:
            known = self._admit(session, [message], parked)
            original = as_read(to_record(message), message.place)
            letter = self._letter(message.receipt, original, _reason(error))
            session.send([letter] if known else [])
        self._publisher.publish(session.sent)
        self._metrics.dead_letters.labels(message.topic).inc(len(session.sent))
        if session.sent:
            self._tracing.buried(message, _reason(error), tries, started)

    def _records(self, effects: Effects, tries: dict[str, int]) -> list[Record]:
        """The outgoing messages, each with the context of its own send span."""
        records = []
        for out in effects.outgoing:
            parent = self._tracing.processing(out.cause, tries.get(out.cause.id, 0))
            context = self._tracing.sending(out.message.id, parent)
            records.append(to_record(out.message.within(context), parent))
        return records

    def _letters(self, session: Session, unreadable: Unreadable) -> list[Record]:
        """Unreadable records have no id of their own, so their place on the topic is it."""
        if not unreadable:
            return []
        mark = self._core.inbox
        places = session.receive([Arrival(r.message_id + mark, "", 0) for r, _ in unreadable])
        fresh = [each for each in unreadable if each[0].message_id + mark in places]
        for record, _ in fresh:
            self._metrics.dead_letters.labels(record.topic).inc()
        return [self._letter(record.message_id, record, reason) for record, reason in fresh]

    def _letter(self, receipt: str, original: Record, reason: str) -> Record:
        topic, reader = topic_of_letters(self._core.name), reader_of(self._core)
        return dead_letter(topic, reader, receipt, original, reason)

    def _twice(self, committed: Committed) -> list[OutboxRow]:
        faults = self._core.faults
        if not faults.catalogue.rules:
            return []
        rows = [r for r in committed.rows if ":" in r.record.message_id]
        hit = [
            row
            for row in rows
            if faults.duplicates(
                row.record.message_id.split(":")[1], Mode(row.record.mode), row.record.message_id
            )
        ]
        for row in hit:
            self._metrics.faults.labels(row.record.mode, Fault.DUPLICATE_PUBLISH.value).inc()
        return hit

    def _maybe_crash(self, fault: Fault, heard: Sequence[Handled]) -> None:
        faults = self._core.faults
        if faults.catalogue.rules and any(
            faults.crashes(fault, done.step, done.message.mode, done.message.id) for done in heard
        ):
            log.warning("%s: this process kills itself", fault.value)
            self._crash()


def _tries(batch: Batch) -> dict[str, int]:
    return {message.id: tries for message, tries in batch}


def _split(batch: Batch, known: set[str]) -> tuple[list[tuple[Message, int]], list[Message]]:
    """Each message once; those not in `known`, and repetitions in this batch, are duplicates."""
    todo, duplicates, taken = [], [], set[str]()
    for message, tries in batch:
        if message.receipt in known and message.receipt not in taken:
            taken.add(message.receipt)
            todo.append((message, tries))
        else:
            duplicates.append(message)
    return todo, duplicates


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".strip().splitlines()[0][:500]
