"""How rules reach a point: every process reads the compacted topic from its beginning.

No group, since each replica is a point of its own and must hear of every change. What is heard is
kept in the schema first, so that a process that starts enforces before it has read anything.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import msgspec
from kafka import KafkaConsumer
from kafka.errors import KafkaError
from kafka.structs import TopicPartition

from services.kit.broker import ACKNOWLEDGEMENTS, BOOTSTRAP_MS, POLICIES
from services.kit.connection import AWAY
from services.kit.metrics import Metrics
from services.kit.pool import Pool
from services.kit.postgres import transaction
from services.kit.relay import Publisher
from services.kit.settings import Settings
from services.kit.wire import Record
from services.policy.rulebook import Rules, compile_rules
from services.policy.rules import RuleError, RuleSet
from services.policy.steps import REPEAT_SECONDS
from services.policy.store import keep

log = logging.getLogger(__name__)

RULES_KEY: Final = "rules"
RETRY_SECONDS = 0.5
LONGEST_WAIT_MS = 5_000
POLL_MS = 500

_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"

Hear = Callable[[str, bytes], None]


def _nothing() -> None: ...


class Acknowledgement(msgspec.Struct, frozen=True):
    """A point says that it enforces this version; `at` is when, in seconds since the epoch. Who is
    `leaving` says so last: who is silent without that may be frozen, or was killed."""

    service: str
    instance: str
    version: int
    at: float
    leaving: bool = False


class TopicReader:
    """Calls `hear` with key and value of every record, and again until the database has it.

    Calls `meanwhile` twice a second, whether there was something to hear or not, and more rarely
    also while nothing can be read; `is_reading` tells which it is."""

    def __init__(
        self, settings: Settings, topic: str, hear: Hear, meanwhile: Callable[[], None] = _nothing
    ) -> None:
        self._settings, self._topic, self._hear = settings, topic, hear
        self._meanwhile = meanwhile
        self._stopping, self.is_reading = threading.Event(), False

    def stop(self) -> None:
        self._stopping.set()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._read()
            except (KafkaError, OSError) as error:
                log.warning("%s cannot be read: %s", self._topic, error)
                self.is_reading = False
                self.until_done(self._meanwhile)
                self._stopping.wait(RETRY_SECONDS)

    def _read(self) -> None:
        consumer = self._consumer()
        try:
            place = TopicPartition(self._topic, 0)
            consumer.assign([place])
            consumer.seek_to_beginning(place)
            while not self._stopping.is_set():
                for records in consumer.poll(timeout_ms=POLL_MS).values():
                    for record in records:
                        self._until_heard(record)
                self.is_reading = True
                self.until_done(self._meanwhile)
        finally:
            consumer.close()

    def until_done(self, work: Callable[[], None]) -> None:
        """Again until the database is there."""
        while not self._stopping.is_set():
            try:
                work()
                return
            except AWAY as error:
                log.warning("the database does not answer: %s", str(error).strip())
                self._stopping.wait(RETRY_SECONDS)

    def _until_heard(self, record: Any) -> None:
        try:
            key, value = (record.key or b"").decode(), record.value or b""
            self.until_done(lambda: self._hear(key, value))
        except (msgspec.MsgspecError, RuleError, UnicodeDecodeError) as error:
            log.error("what %s says is not understood: %s", self._topic, error)

    def _consumer(self) -> Any:
        return KafkaConsumer(
            **self._settings.clients(),
            bootstrap_timeout_ms=BOOTSTRAP_MS,
            client_id=f"{self._settings.instance}-{self._topic}",
            group_id=None,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            fetch_max_wait_ms=LONGEST_WAIT_MS,
            reconnect_backoff_max_ms=1_000,
            allow_auto_create_topics=False,
            metrics_enabled=False,
        )


class Adoption:
    """A point's side: take newer rules, keep them, enforce them, and then say so.

    As long as there are rules it says so again and again, for who is silent is taken for gone. That
    goes for rules, too, that it has heard of and cannot enforce, and for those that there may be
    while it cannot hear of any: it goes on deciding, by older ones.
    """

    def __init__(
        self,
        settings: Settings,
        service: str,
        rules: Rules,
        pool: Pool,
        publisher: Publisher,
        metrics: Metrics,
    ) -> None:
        self._service, self._instance = service, settings.instance
        self._rules, self._pool = rules, pool
        self._publisher, self._metrics = publisher, metrics
        self._are_rules, self._said = bool(rules.book.rules.rules), 0.0
        self._told = rules.book.version
        self._reader = TopicReader(settings, POLICIES, self.hear, self.repeat)

    def run(self) -> None:
        self._show()
        self._reader.until_done(self._say)
        self._reader.run()
        with suppress(*AWAY):  # then it will be missed, instead of having said goodbye
            self._say(leaving=True)

    def stop(self) -> None:
        self._reader.stop()

    def hear(self, _key: str, value: bytes) -> None:
        self._are_rules = True  # until it is understood that there are none
        rules = msgspec.json.decode(value, type=RuleSet)
        self._are_rules = bool(rules.rules)
        if rules.version > self._rules.book.version:
            self.adopt(rules)
        if self._told != self._rules.book.version:
            self._say()

    def adopt(self, rules: RuleSet) -> None:
        """Kept is only what can be compiled, or the next start would fail. It is said after that,
        in a transaction of its own: no word has a time at which it was not enforced yet."""
        book = compile_rules(rules)
        with self._pool.connection() as connection, transaction(connection) as session:
            keep(session.connection, rules)
        self._rules.take(book)
        self._show()
        log.info("rules of version %d are enforced", rules.version)

    def repeat(self) -> None:
        may_be_rules = self._are_rules or not self._reader.is_reading
        if may_be_rules and time.monotonic() - self._said >= REPEAT_SECONDS:
            self._say()

    def _say(self, leaving: bool = False) -> None:
        """A process that has started says what it enforces, be it nothing."""
        version = self._rules.book.version
        with self._pool.connection() as connection, transaction(connection) as session:
            at = _now(session.connection)
            said = Acknowledgement(self._service, self._instance, version, at, leaving)
            session.send([_record(said)])
        self._told, self._said = version, time.monotonic()
        self._publisher.publish(session.sent)

    def _show(self) -> None:
        self._metrics.policy_version.set(self._rules.book.version)


def _record(said: Acknowledgement) -> Record:
    key = f"{said.service}/{said.instance}"
    name = f"{key}-{said.version}-{said.at}"
    return Record(ACKNOWLEDGEMENTS, key, name, "", [], msgspec.json.encode(said))


def _now(connection: Any) -> float:
    row: Any = connection.execute(_NOW).fetchone()
    return float(row[0])
