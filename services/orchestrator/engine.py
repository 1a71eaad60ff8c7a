"""Between the topics and `decide`: locks the sagas of a batch, applies what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.kit.batch import Batch
from services.kit.crash_points import Point
from services.kit.effects import Effects, Handled, Outgoing
from services.kit.faults import Fault, Faults
from services.kit.message import Event, Message, Mode, SagaId, Vocabulary, follow_up
from services.kit.put_off import put_off, retry
from services.kit.session import Session
from services.kit.violations import Violation
from services.messages import StepHeld
from services.orchestrator.decide import (
    TIMED_OUT,
    Decision,
    Heard,
    Input,
    Started,
    TimePassed,
    decide,
)
from services.orchestrator.gate import Sitting
from services.orchestrator.saga import Saga
from services.orchestrator.state import SagaState
from services.orchestrator.store import LogLine, SagaRepository, Sagas, Stored, status_of
from services.policy.point import EnforcementPoint
from services.policy.steps import hold_attempt

CLAIM_AT_ONCE = 200
TRIES_BEFORE_START = 100


@dataclass(frozen=True)
class Orchestrator:
    """The orchestrator without its transport; `definitions` maps versions to sagas."""

    definitions: Mapping[int, Saga]
    vocabulary: Vocabulary
    repository: SagaRepository
    faults: Faults
    step_timeout_seconds: float
    name: str = "orchestrator"
    inbox: str = ""
    point: EnforcementPoint | None = None

    @cached_property
    def newest(self) -> Saga:
        return self.definitions[max(self.definitions)]

    def concerns(self, message: Message) -> bool:
        return message.mode is Mode.ORCHESTRATION and message.type in self.newest.events

    def read_ahead(self, session: Session, batch: Batch) -> None:
        """The orchestrator asks no third party."""

    def execute(self, session: Session, batch: Batch, answers: None) -> Effects:
        sagas = self.repository.load(session.connection, [m.saga_id for m, _ in batch])
        effects = Effects()
        sitting = self._sitting(session, sagas, [message for message, _ in batch])
        for message, tries in batch:
            if self._may_act(message, tries, effects):
                self._hear(message, tries, sagas, sitting, effects)
        self._adjourn(session, sitting, effects)
        self.repository.save(session.connection, sagas)
        return effects

    def execute_due(self, session: Session) -> Effects:
        """Claim sagas whose deadline may have passed, and decide what that means."""
        sagas = self.repository.claim(session.connection, CLAIM_AT_ONCE)
        effects = Effects()
        sitting = self._sitting(session, sagas, ())
        for saga_id, stored in list(sagas.sagas.items()):
            self._claimed(stored)
            self._decide(saga_id, stored, TimePassed(), stored.placed, sagas, sitting, effects)
            sagas.changed[saga_id] = None
        self._adjourn(session, sitting, effects)
        self.repository.save(session.connection, sagas, exact_deadlines=True)
        return effects

    def _sitting(
        self, session: Session, sagas: Sagas, messages: Sequence[Message]
    ) -> Sitting | None:
        """None while there are no rules, nor holds of such as there were: then nobody asks, and
        nothing is read or written."""
        if self.point is None:
            return None
        held = any(stored.state.holds for stored in sagas.sagas.values())
        if not held and not self.point.rules.book.guards:
            return None
        words, tables = self.vocabulary, session.connection
        return Sitting.of(self.point, self.faults, words, tables, sagas, messages)

    def _adjourn(self, session: Session, sitting: Sitting | None, effects: Effects) -> None:
        if sitting is not None:
            sitting.close(session.connection)
            effects.decided.append(sitting.bench)
            stale = Mode.ORCHESTRATION, Fault.STALE_POLICY.value
            effects.faults += [stale for _ in sitting.stale]

    def _claimed(self, stored: Stored) -> None:
        points, status = self.faults.crash_points, status_of(stored.state)
        points.here(Point.IN_ORCHESTRATOR_CLAIM, stored.placed.mode, status)

    def _may_act(self, message: Message, tries: int, effects: Effects) -> bool:
        """Faults hit the orchestrator as they hit a participant; it has nothing to refuse."""
        verdict = self.faults.verdict(message.type, message.mode, message.id, tries)
        parked = put_off(self.faults, message.type, message, tries, verdict)
        if parked is None:
            return True
        effects.faults.append((message.mode, verdict.value))
        effects.parked.append(parked)
        return False

    def _hear(
        self,
        message: Message,
        tries: int,
        sagas: Sagas,
        sitting: Sitting | None,
        effects: Effects,
    ) -> None:
        """A cancellation may overtake the order, and is kept for minutes until that comes."""
        event = self.vocabulary.body(message)
        assert isinstance(event, Event)
        stored = sagas.sagas.get(message.saga_id)
        starts = message.type == self.newest.started_by.__name__
        if stored is None and starts:
            stored = Stored(self.newest.version, SagaState(), message, is_new=True)
            sagas.sagas[message.saga_id] = stored
        elif stored is None:
            if tries >= TRIES_BEFORE_START:
                raise Violation("an event of a saga that never started")
            effects.parked.append(retry(message, tries, "not started"))
            return
        heard = Started() if starts else Heard.of(message.type, event)
        self._decide(message.saga_id, stored, heard, message, sagas, sitting, effects)
        effects.handled.append(Handled(message, message.type))

    def _decide(
        self,
        saga_id: SagaId,
        stored: Stored,
        heard: Input,
        cause: Message,
        sagas: Sagas,
        sitting: Sitting | None,
        effects: Effects,
    ) -> None:
        saga = self.definitions[stored.version]
        order = self.vocabulary.body(stored.placed)
        timeout = self.step_timeout_seconds
        gate = sitting.gate(stored) if sitting else None
        decision = decide(saga, order, stored.state, heard, sagas.now, timeout, gate)
        if not decision.log:
            return
        stored.state = decision.state
        sagas.changed[saga_id] = None
        sagas.log.append(LogLine(saga_id, decision.state.turn, cause_name(heard), decision.log))
        effects.timed_out += [each.step for each in decision.log if each.entry == TIMED_OUT]
        self._send(decision, cause, effects)
        if sitting is not None:
            self._tell_holds(decision, cause, stored.placed, sitting, effects)
            if decision.state.outcome == "rejected":
                sitting.rejected.append(saga_id)

    def _send(self, decision: Decision, cause: Message, effects: Effects) -> None:
        for send in decision.sends:
            command = follow_up(cause, send.command, source=self.name, attempt=send.attempt)
            effects.outgoing.append(Outgoing(command, cause))

    def _tell_holds(
        self,
        decision: Decision,
        cause: Message,
        placed: Message,
        sitting: Sitting,
        effects: Effects,
    ) -> None:
        for held in decision.held:
            event = StepHeld(
                order_id=cause.saga_id,
                step=held.step,
                rules=(held.rule,),
                version=sitting.book_of(held.step, placed).version,
                until=held.until,
            )
            attempt = hold_attempt(held.step, held.ordinal)
            told = follow_up(cause, event, source=self.name, attempt=attempt)
            effects.outgoing.append(Outgoing(told, cause))


def cause_name(heard: Input) -> str:
    return heard.kind if isinstance(heard, Heard) else type(heard).__name__
