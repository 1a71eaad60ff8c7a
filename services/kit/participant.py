"""One batch of messages through a participant: triage, decide, write. No I/O of its own.

A participant has one way to execute a command, whoever asked. In orchestration the command came
over its topic; in choreography one of its reactions made it from an event. That is the only
difference between the modes in here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Generic, Protocol, TypeVar

from services.kit.effects import Effects, Handled, Outgoing
from services.kit.faults import Fault, Faults, Verdict
from services.kit.handling import Playbook, Reaction
from services.kit.message import Body, Command, Event, Message, Mode, SagaId, Vocabulary, follow_up
from services.kit.put_off import put_off
from services.kit.session import Fact, Facts, Merged, Parked, Session
from services.messages import CapturePayment, ShipStock
from services.policy.local import LocalGate
from services.policy.point import EnforcementPoint
from services.policy.remembered import fact_of
from services.policy.steps import DONE

S = TypeVar("S")
Answers = Mapping[SagaId, Any]

NEXT_OF_SAME_OWNER: Mapping[str, type[Command]] = {
    "AuthorizePayment": CapturePayment,
    "ReserveStock": ShipStock,
}
MAX_TRIES = 5


class Repository(Protocol[S]):
    """A service's own tables, a batch at a time; `load` locks what it reads for update."""

    def load(self, connection: Any, commands: Sequence[Command], answers: Answers) -> S: ...

    def save(self, connection: Any, state: S) -> None: ...


class External(Protocol):
    """A third party that is asked before the transaction, never inside it.

    It answers the same for the same command again, so a crash between asking and committing is
    harmless.
    """

    def needs(self, command: Command) -> bool: ...

    def ask(self, commands: Sequence[Command]) -> Answers: ...


@dataclass(frozen=True)
class Work:
    """A message and the command that it comes to here; a rule kept it waiting till `held_until`."""

    message: Message
    command: Command
    attempt: int
    tries: int = 0
    denied: str | None = None
    held_until: float = 0.0

    @property
    def step(self) -> str:
        return type(self.command).__name__

    @property
    def effect(self) -> tuple[str, str, int]:
        """Two halves of a join in one batch come to the same effect, which is done once."""
        return self.message.saga_id, self.step, self.attempt


Observer = Callable[[Any, Sequence[Message], Effects], None]


def no_observer(connection: Any, messages: Sequence[Message], effects: Effects) -> None:
    """Most participants keep no record of what the others did."""


@dataclass(frozen=True)
class Participant(Generic[S]):
    """A service without its transport: the same object runs in production and in simulation."""

    name: str
    playbook: Playbook
    vocabulary: Vocabulary
    repository: Repository[S]
    faults: Faults
    external: External | None = None
    observer: Observer = no_observer
    observes: frozenset[str] = frozenset()
    inbox: str = ""
    point: EnforcementPoint | None = None

    @cached_property
    def gate(self) -> LocalGate | None:
        """Where rules are enforced in choreography; in orchestration it is not asked."""
        if self.point is None:
            return None
        return LocalGate(self.name, self.playbook, self.vocabulary, self.faults, self.point)

    def concerns(self, message: Message) -> bool:
        """Whether this message is more than noise here; decided from its headers alone."""
        if message.type in self.playbook.handlers:
            return True
        if message.type in self.observes:
            return True
        if message.mode is not Mode.CHOREOGRAPHY:
            return False
        if message.type in self.playbook.reactions:
            return True
        return self.gate is not None and self.gate.remembers(message.type)

    def read_ahead(self, session: Session, batch: Sequence[tuple[Message, int]]) -> Answers:
        """Ask the third party for what this batch will need; about a step that rules guard, not
        before they have let it through."""
        if self.external is None:
            return {}
        heard = self._joins(batch)
        merged = _union(session.facts(list(heard)), heard) if heard else Merged({}, {})
        works = [work for work in self._works(batch, merged) if self._may_begin(work, merged.now)]
        asking = [work.command for work in works if self.external.needs(work.command)]
        return self.external.ask(asking) if asking else {}

    def _may_begin(self, work: Work, known: Facts) -> bool:
        return self.gate is None or self.gate.has_let_through(work, known)

    def execute(
        self, session: Session, batch: Sequence[tuple[Message, int]], answers: Answers
    ) -> Effects:
        """Do what the batch's (message, tries) ask for, in order, within `session`."""
        effects = Effects()
        observed = [m for m, tries in batch if m.type in self.observes and not tries]
        if observed:
            self.observer(session.connection, observed, effects)
        batch = [each for each in batch if self._may_hear(*each, effects)]
        heard = self._joins(batch)
        merged = session.merge_facts(heard) if heard else Merged({}, {})
        works = self._works(batch, merged)
        if works and heard and self.gate is not None:
            works = self.gate.admit(session, works, merged.now, effects)
        ready = [work for work in works if self._is_ready(work, answers, effects)]
        if ready:
            self._decide(session, ready, answers, effects)
            if self.gate is not None:
                self.gate.release(session, effects.handled)
        effects.remember(message for message, _ in batch if message.type not in self.observes)
        return effects

    def _may_hear(self, message: Message, tries: int, effects: Effects) -> bool:
        """Faults hit what a join waits for as they hit the orchestrator. What completes the join
        meets the same throw again as its step, and so is not hit twice."""
        reaction = self._reaction(message)
        if not self._is_remembered(message, tries) or (reaction and not reaction.joins):
            return True
        verdict = self.faults.verdict(message.type, message.mode, message.id, tries)
        parked = put_off(self.faults, message.type, message, tries, verdict)
        if parked is None or (verdict is Verdict.FAIL and tries >= MAX_TRIES):
            return True
        effects.faults.append((message.mode, verdict.value))
        effects.parked.append(parked)
        return False

    def _decide(
        self, session: Session, works: Sequence[Work], answers: Answers, effects: Effects
    ) -> None:
        commands = [work.command for work in works]
        state = self.repository.load(session.connection, commands, answers)
        for work in works:
            self._perform(work, state, effects)
        self.repository.save(session.connection, state)

    def _perform(self, work: Work, state: S, effects: Effects) -> None:
        kind = work.step
        verdict = self.faults.verdict(kind, work.message.mode, work.message.id, work.tries)
        if verdict is not Verdict.PROCEED:
            effects.faults.append((work.message.mode, verdict.value))
        refusal = self.playbook.refusals.get(kind)
        parked = put_off(self.faults, kind, work.message, work.tries, verdict)
        given_up = verdict is Verdict.FAIL and refusal and work.tries >= MAX_TRIES
        if parked is not None and not given_up:
            effects.parked.append(parked)
            return
        if refusal and work.denied:
            event = refusal(work.command, state, work.denied)
        elif refusal and verdict is Verdict.FAIL:
            event = refusal(work.command, state, "unavailable")
        elif refusal and verdict is Verdict.REFUSE:
            event = refusal(work.command, state, "refused")
        else:
            event = self.playbook.handlers[kind](work.command, state)
        effects.handled.append(self._handled(work, kind, event))
        self._tell(work, event, effects)
        if self.faults.acts_unasked(kind, work.message.mode, work.message.id):
            self._go_on_unasked(work, event, state, effects)

    def _go_on_unasked(self, work: Work, event: Event, state: S, effects: Effects) -> None:
        """The misbehaving participant: what comes later is done now, and nobody has asked."""
        following = NEXT_OF_SAME_OWNER.get(work.step)
        if following is None or type(event).__name__ != DONE[work.step]:
            return
        effects.faults.append((work.message.mode, Fault.UNASKED.value))
        command = following(order_id=work.command.order_id)
        self._tell(work, self.playbook.handlers[following.__name__](command, state), effects)

    def _handled(self, work: Work, kind: str, event: Event) -> Handled:
        """What can be refused and comes with a reason was refused."""
        result, reason = type(event).__name__, getattr(event, "reason", None)
        rejected = kind in self.playbook.refusals and reason is not None
        backward = work.command.compensates
        return Handled(work.message, kind, backward, result, reason, rejected, work.held_until)

    def _tell(self, work: Work, event: Event, effects: Effects) -> None:
        outcome = follow_up(work.message, event, source=self.name, attempt=work.attempt)
        effects.outgoing.append(Outgoing(outcome, work.message))

    def _is_ready(self, work: Work, answers: Answers, effects: Effects) -> bool:
        """Without the third party's answer it is tried again: a join was completed meanwhile, or
        the rules have only now let it through."""
        if work.denied or self.external is None or not self.external.needs(work.command):
            return True
        if work.command.order_id in answers:
            return True
        effects.parked.append(Parked(work.message, work.tries, 0.0, "not read ahead"))
        return False

    def _joins(self, batch: Sequence[tuple[Message, int]]) -> dict[SagaId, dict[str, Fact]]:
        heard: dict[SagaId, dict[str, Fact]] = {}
        for message, tries in batch:
            if self._is_remembered(message, tries):
                self.vocabulary.body(message)
                fact = Fact(message.value.decode(), message.attempt)
                heard.setdefault(message.saga_id, {})[fact_of(message)] = fact
            elif self.gate is not None and self.gate.turns_back(message):
                heard.setdefault(message.saga_id, {})
        return heard

    def _is_remembered(self, message: Message, tries: int) -> bool:
        """What comes again, or came for the sake of rules alone, may have been decided by rules
        that are gone."""
        reaction = self._reaction(message)
        if reaction is not None and reaction.joins:
            return True
        if self.gate is None or message.mode is not Mode.CHOREOGRAPHY:
            return False
        return bool(tries) or reaction is None or self.gate.remembers(message.type)

    def _works(self, batch: Sequence[tuple[Message, int]], merged: Merged) -> list[Work]:
        found = (self._work(message, tries, merged) for message, tries in batch)
        return list({work.effect: work for work in found if work is not None}.values())

    def _work(self, message: Message, tries: int, merged: Merged) -> Work | None:
        if message.type in self.playbook.handlers:
            body = self.vocabulary.body(message)
            assert isinstance(body, Command)
            return Work(message, body, message.attempt, tries)
        reaction, facts = self._reaction(message), merged.now.get(message.saga_id, {})
        if reaction is None:
            return self._unlocked(message, tries, facts)
        if not reaction.joins:
            command = reaction.rule(self.vocabulary.body(message))
            return Work(message, command, message.attempt, tries)
        if not reaction.is_due(message, merged.before.get(message.saga_id, {}), facts):
            return None
        return self._joined(reaction, message, tries, facts)

    def _unlocked(self, message: Message, tries: int, facts: Mapping[str, Fact]) -> Work | None:
        """What a rule has kept waiting may go on now."""
        reaction = self.gate.unlocked_by(message, facts) if self.gate is not None else None
        return self._joined(reaction, message, tries, facts) if reaction is not None else None

    def _joined(
        self, reaction: Reaction, message: Message, tries: int, facts: Mapping[str, Fact]
    ) -> Work | None:
        kinds = reaction.heard(facts)
        if kinds is None:
            return None
        bodies: list[Body] = [
            self.vocabulary.decode(kind, facts[kind].value.encode(), message.saga_id)
            for kind in kinds
        ]
        return Work(message, reaction.rule(*bodies), reaction.attempt(facts), tries)

    def _reaction(self, message: Message) -> Reaction | None:
        if message.mode is not Mode.CHOREOGRAPHY:
            return None
        return self.playbook.reactions.get(message.type)


def _union(known: Facts, heard: Facts) -> Merged:
    return Merged(known, {saga: {**known.get(saga, {}), **facts} for saga, facts in heard.items()})
