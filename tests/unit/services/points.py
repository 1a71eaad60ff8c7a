"""Enforcement points with their real code over tables in memory: a conductor, and players."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from services.kit.batch import BatchProcessor
from services.kit.faults import Catalogue, Faults
from services.kit.message import Epoch, Message, Mode, compose
from services.kit.participant import Participant
from services.kit.wire import from_record
from services.messages import Body
from services.orchestrator.engine import Orchestrator
from services.orchestrator.timers import Timers
from services.policy.point import EnforcementPoint
from services.policy.rulebook import EMPTY, Rulebook, Rules, compile_rules
from services.policy.rules import RuleSet, read_rules
from services.policy.ruling import Verdict
from services.policy.steps import CONDUCTOR
from tests.simulator.database import Clock, MemoryDatabase, Store
from tests.simulator.repositories import MemoryPolicies
from tests.simulator.services import BLUEPRINTS, TABLES, WORDS, metrics, tracing


def a_book(*rules: dict[str, Any], version: int = 1) -> Rulebook:
    return compile_rules(RuleSet(version, read_rules(list(rules))))


class Spy:
    """A third party that answers as the real one, and remembers the orders it was asked about."""

    def __init__(self, real: Any) -> None:
        self.needs, self._ask, self.asked = real.needs, real.ask, list[str]()

    def ask(self, commands: Any) -> Any:
        self.asked += [command.order_id for command in commands]
        return self._ask(commands)


class Point:
    """A service with rules to enforce; `told` is all that it has published, in order."""

    def __init__(
        self,
        name: str,
        mode: Mode,
        book: Rulebook = EMPTY,
        clock: Clock | None = None,
        faults: Catalogue | None = None,
    ) -> None:
        self.mode, self.clock, self.told = mode, clock or Clock(), list[Message]()
        self.store = Store(self.clock, TABLES[name](100))
        self.rules, self.spy = Rules(book), None
        (blueprint,) = (each for each in BLUEPRINTS if each.name == name)
        point = EnforcementPoint(self.rules, MemoryPolicies())
        self.core: Any = blueprint.core(Faults(faults), point)
        if isinstance(self.core, Participant) and self.core.external is not None:
            self.spy = Spy(self.core.external)
            self.core = replace(self.core, external=self.spy)
        database = MemoryDatabase(self.store)
        measures = metrics(name), tracing(name)
        self._batches = BatchProcessor(
            self.core, database, self, *measures, _never, lambda seconds: None
        )
        self._timers = None
        if isinstance(self.core, Orchestrator):
            self._timers = Timers(self.core, database, self, measures[1], measures[0])

    def publish(self, rows: Iterable[Any], twice: Iterable[Any] = ()) -> None:
        for row in rows:
            record = row.record
            self.told.append(from_record(record.topic, record.headers, record.value))

    def hears(self, *events: Body, attempt: int = 1) -> list[str]:
        """All in one batch, and what comes of it at once; the types that it tells thereupon."""
        said = [
            compose(e, source="x", mode=self.mode, epoch=Epoch(1), attempt=attempt) for e in events
        ]
        return self.reads(*said)

    def reads(self, *messages: Message) -> list[str]:
        before = len(self.told)
        mine = [message for message in messages if self.core.concerns(message)]
        if mine:
            self._batches.process(mine)
        self.does_what_is_due()
        return [message.type for message in self.told[before:]]

    def does_what_is_due(self) -> None:
        while due := self.store.due(100):
            self._batches.resume(due)
        if self._timers is not None:
            self._timers.run()

    def waits_until(self, moment: float) -> list[str]:
        """What it tells by itself until then."""
        before = len(self.told)
        while (due := self._next_due()) is not None and due <= moment:
            self.clock.now = max(self.clock.now, due)
            self.does_what_is_due()
        self.clock.now = moment
        return [message.type for message in self.told[before:]]

    def _next_due(self) -> float | None:
        times = [self.store.next_due()]
        if self._timers is not None:
            times += self.store.own.deadlines.values()
        return min((at for at in times if at is not None), default=None)

    def says(self, kind: str) -> list[Any]:
        """The bodies of what it has told of this type."""
        return [WORDS.body(message) for message in self.told if message.type == kind]

    def said(self, step: str) -> dict[str, Verdict]:
        """What each rule came to; that a hold begins is not the end of it."""
        minutes = [each for each in self.store.decisions if each.step == step]
        return {each.rule: each.outcome for each in minutes if each.outcome is not Verdict.HELD}


class Company:
    """Payment, and in orchestration whoever tells it what to do, at one time."""

    def __init__(self, mode: Mode, book: Rulebook = EMPTY, faults: Catalogue | None = None) -> None:
        self.clock = Clock()
        self.payment = Point("payment", mode, book, self.clock, faults)
        self.points = [self.payment]
        if mode is Mode.ORCHESTRATION:
            self.points = [Point(CONDUCTOR, mode, book, self.clock), self.payment]

    @property
    def decider(self) -> Point:
        return self.points[0]

    def hears(self, *events: Body, attempt: int = 1) -> None:
        for point in self.points:
            point.hears(*events, attempt=attempt)
        self.payment.reads(*self.decider.told)

    def takes(self, book: Rulebook) -> None:
        for point in self.points:
            point.rules.take(book)

    def waits_until(self, moment: float) -> None:
        self.decider.waits_until(moment)
        self.payment.reads(*self.decider.told)

    def holds(self) -> list[tuple[str, float]]:
        """Each hold that it has told of, and until when."""
        told = self.decider.says("StepHeld")
        return sorted((rule, each.until) for each in told for rule in each.rules)

    def outcome(self) -> str | None:
        """What has become of the payment."""
        if self.payment.says("PaymentAuthorized"):
            return "authorized"
        refused = any(each.outcome is Verdict.DENIED for each in self.decider.store.decisions)
        return "denied" if refused else None


def _never() -> None:
    raise AssertionError("nobody kills it")
