"""A participant's enforcement point, for sagas in choreography: nobody else is there to do it.

What the conductor simply knows, a participant has to remember here: the order, the facts that
rules wait for, what is held, and how a step was decided. It is the saga's row of `facts`, whose
lock is what joins meet on. Once a step is decided the decision stands, whatever comes again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from services.kit.effects import Effects, Handled, Outgoing
from services.kit.faults import Fault, Faults
from services.kit.handling import Playbook, Reaction
from services.kit.message import Message, Mode, SagaId, Vocabulary, follow_up
from services.kit.session import Fact, Facts, Parked, Session
from services.messages import OrderPlaced, StepHeld
from services.policy.bench import Bench, Case, Held, Holds, Ruling, Verdict, answered, claims
from services.policy.point import EnforcementPoint
from services.policy.rulebook import InForce, Rulebook
from services.policy.steps import (
    APPROVED,
    DECLINED,
    DONE,
    EXPIRED,
    FACTS,
    PLACED,
    REFUSABLE,
    hold_attempt,
)

if TYPE_CHECKING:
    from services.kit.participant import Work

ANSWERS = {APPROVED: "approved", DECLINED: "declined"}
HOLD, DECIDED, PARKED = "hold:", "decided:", "held-message"
Known = Mapping[str, Fact]


class Decided(msgspec.Struct, frozen=True):
    """`by` is the message that carries the step on: only it makes the step again when it comes
    again."""

    verdict: Verdict
    rule: str
    by: str = ""


class _Rules(msgspec.Struct):
    rules: tuple[str, ...]


_encode = msgspec.json.Encoder().encode
_held = msgspec.json.Decoder(Held).decode
_decided = msgspec.json.Decoder(Decided).decode
_rules = msgspec.json.Decoder(_Rules).decode


@dataclass(frozen=True)
class LocalGate:
    name: str
    playbook: Playbook
    vocabulary: Vocabulary
    faults: Faults
    point: EnforcementPoint
    watched: dict[int, frozenset[str]] = field(default_factory=dict)

    @cached_property
    def reactions(self) -> Mapping[str, Reaction]:
        """By the step that they make."""
        return {reaction.makes: reaction for reaction in self.playbook.reactions.values()}

    def _books(self, now: InForce) -> tuple[Rulebook, ...]:
        """Those by which a step may be decided: only who misbehaves uses the one before."""
        return now if self.faults.catalogue.rules else (now.book,)

    def remembers(self, kind: str) -> bool:
        """Whether a rule makes an event worth remembering here; what bears on a hold always is."""
        if kind in ANSWERS or (kind == EXPIRED and kind in self.playbook.reactions):
            return True
        books = self._books(self.point.rules.now)
        return any(book.guards and kind in self._watched(book) for book in books)

    def _watched(self, book: Rulebook) -> frozenset[str]:
        known = self.watched.get(book.version)
        if known is None:
            known = self.watched[book.version] = self._worth_remembering(book)
        return known

    def _worth_remembering(self, book: Rulebook) -> frozenset[str]:
        steps = [step for step in book.guards if step in self.reactions]
        if not steps:
            return frozenset()
        causes = {kind for step in steps for part in self.reactions[step].parts for kind in part}
        return frozenset({PLACED, *causes, *book.after(steps)})

    def unlocked_by(self, message: Message, known: Known) -> Reaction | None:
        """The reaction whose step may have waited for this message, or was decided upon it."""
        if message.mode is not Mode.CHOREOGRAPHY:
            return None
        step = next((step for step in REFUSABLE if step in self.reactions), "")
        decided = known.get(DECIDED + step)
        if decided is not None:
            waited = _decided(decided.value).by == message.id
        else:
            waited = self.remembers(message.type) or PARKED in known
        return self.reactions[step] if step and waited else None

    def has_let_through(self, work: Work, facts: Facts) -> bool:
        """Whether no rule is, or was, to be asked about it any more."""
        mark = facts.get(work.message.saga_id, {}).get(DECIDED + work.step)
        if mark is not None:
            return _decided(mark.value).verdict is Verdict.ALLOWED
        known = facts.get(work.message.saga_id, {})
        return not self._is_guarded(work, known, self.point.rules.now)

    def admit(
        self, session: Session, works: Sequence[Work], facts: Facts, effects: Effects
    ) -> list[Work]:
        """Those that may be done or have to be refused; what waits or is held is left out."""
        works = [work for work in works if not self._is_held_and_not_lost(session, work, facts)]
        now = self.point.rules.now
        guarded = {work.effect: order for work, order in self._remembered(works, facts, now)}
        if not guarded:
            return list(works)
        asked = ((work.step, guarded[work.effect]) for work in works if work.effect in guarded)
        wanted = claims(now.book, asked)
        bench = Bench(self.point.tables.open(session.connection, wanted))
        sitting = _Sitting(self, now, session, bench, effects, {})
        admitted = [
            sitting.admit(work, guarded[work.effect], facts.get(work.message.saga_id, {}))
            if work.effect in guarded
            else work
            for work in works
        ]
        sitting.close()
        return [work for work in admitted if work is not None]

    def release(self, session: Session, done: Sequence[Handled]) -> None:
        """What was refused or undone takes nothing from a limit; what turns out to be arranged
        after all was not undone."""
        if not self.point.rules.book.guards:
            return
        orders = {
            each.message.saga_id
            for each in done
            if (each.rejected or each.backward) and each.result != DONE[REFUSABLE[-1]]
            if each.message.mode is Mode.CHOREOGRAPHY
        }
        if orders:
            self.point.tables.release(session.connection, list(orders))

    def _is_held_and_not_lost(self, session: Session, work: Work, facts: Facts) -> bool:
        """The order service took it for lost without having heard of the hold. The hold ends by
        itself; after that an order that is lost is asked about again."""
        known = facts.get(work.message.saga_id, {})
        if work.message.type != EXPIRED or PARKED not in known:
            return False
        now = self.point.tables.open(session.connection, ()).now
        holds = _holds(known, _answers(known)).values()
        return any(not held.answer and held.until > now for held in holds)

    def _remembered(
        self, works: Sequence[Work], facts: Facts, now: InForce
    ) -> Iterator[tuple[Work, OrderPlaced]]:
        """What rules guard; and what none does while others make its order be remembered, lest a
        rule that comes later decides what was done."""
        for work in works:
            known = facts.get(work.message.saga_id, {})
            unguarded = work.step in REFUSABLE and PLACED in known and self.remembers(PLACED)
            if unguarded or self._is_guarded(work, known, now):
                yield work, self._order(work, known)

    def _is_guarded(self, work: Work, known: Known, now: InForce) -> bool:
        """What was decided or is held remains so, also when its rules are gone. An order from
        before the rules was not remembered."""
        if work.message.mode is not Mode.CHOREOGRAPHY or PLACED not in known:
            return False
        if any(work.step in book.guards for book in self._books(now)):
            return True
        return DECIDED + work.step in known or (PARKED in known and work.step in REFUSABLE)

    def _order(self, work: Work, known: Known) -> OrderPlaced:
        placed = known[PLACED].value.encode()
        order = self.vocabulary.decode(PLACED, placed, work.message.saga_id)
        assert isinstance(order, OrderPlaced)
        return order


def fact_of(message: Message) -> str:
    """The name it is remembered by; each answer is remembered, not only the last."""
    return f"{message.type}:{message.attempt}" if message.type in ANSWERS else message.type


@dataclass(frozen=True)
class _Sitting:
    """One batch's decisions, by the rules that were in force when it began; `marks` are what is to
    be remembered of them."""

    gate: LocalGate
    now: InForce
    session: Session
    bench: Bench
    effects: Effects
    marks: dict[SagaId, dict[str, Fact]]

    def admit(self, work: Work, order: OrderPlaced, known: Known) -> Work | None:
        known = {**known, **self.marks.get(work.message.saga_id, {})}
        mark = known.get(DECIDED + work.step)
        if mark is not None:
            decided = _decided(mark.value)
            return _settled(work, Ruling(decided.verdict, decided.rule))
        saga, answers = work.message.saga_id, _answers(known)
        heard = frozenset(name for name in known if name in FACTS)
        holds = _holds(known, answers)
        case = Case(saga, Mode.CHOREOGRAPHY, work.step, order, heard, holds, answers)
        book = self._book(work)
        ruling = self.bench.decide(book, case)
        if ruling.verdict in (Verdict.ALLOWED, Verdict.DENIED):
            self._settle(work, ruling, known)
            return _settled(work, ruling)
        if ruling.verdict is Verdict.HELD:
            self._hold(work, ruling, known, book)
            self._keep(work, holds, ruling.holds)
        return None

    def close(self) -> None:
        self.gate.point.tables.close(self.session.connection, self.bench)
        if self.marks:
            self.session.merge_facts(self.marks)
        self.effects.decided.append(self.bench)

    def _book(self, work: Work) -> Rulebook:
        """A misbehaving participant decides by the rules before these."""
        mode = work.message.mode
        if not self.gate.faults.is_stale(work.step, mode, work.message.id):
            return self.now.book
        self.effects.faults.append((mode, Fault.STALE_POLICY.value))
        return self.now.before

    def _settle(self, work: Work, ruling: Ruling, known: Known) -> None:
        decided = Decided(ruling.verdict, ruling.rule, work.message.id)
        self._mark(work, DECIDED + work.step, decided)
        parked = known.get(PARKED)
        if parked is not None and parked.value != work.message.id:
            self.session.unpark([parked.value])

    def _hold(self, work: Work, ruling: Ruling, known: Known, book: Rulebook) -> None:
        """The message comes again when the first of the holds is over, and so on."""
        parked = known.get(PARKED)
        if not ruling.fresh and (parked is None or parked.value != work.message.id):
            return
        until = min(held.until for held in ruling.holds.values() if not held.answer)
        wait = max(until - self.bench.books.now, 0.0)
        self.effects.parked.append(Parked(work.message, work.tries + 1, wait, "held"))
        self.marks.setdefault(work.message.saga_id, {})[PARKED] = Fact(
            work.message.id, work.attempt
        )
        for ordinal, rule in ruling.begun():
            self._tell(work, rule, book.version, ruling.holds[rule].until, ordinal)

    def _tell(self, work: Work, rule: str, version: int, until: float, ordinal: int) -> None:
        event = StepHeld(
            order_id=work.message.saga_id,
            step=work.step,
            rules=(rule,),
            version=version,
            until=until,
        )
        attempt = hold_attempt(work.step, ordinal)
        told = follow_up(work.message, event, source=self.gate.name, attempt=attempt)
        self.effects.outgoing.append(Outgoing(told, work.message))

    def _keep(self, work: Work, before: Holds, holds: Holds) -> None:
        """What has begun, and what is over by silence."""
        for rule, held in holds.items():
            if held != before.get(rule):
                self._mark(work, HOLD + rule, held)

    def _mark(self, work: Work, name: str, value: msgspec.Struct) -> None:
        fact = Fact(_encode(value).decode(), work.attempt)
        self.marks.setdefault(work.message.saga_id, {})[name] = fact


def _settled(work: Work, ruling: Ruling) -> Work:
    return replace(work, denied=ruling.reason) if ruling.verdict is Verdict.DENIED else work


def _answers(known: Known) -> Mapping[str, str]:
    """What somebody has said, by the rule that it was about."""
    said = {}
    for name, fact in known.items():
        answer = ANSWERS.get(name.partition(":")[0])
        if answer is not None:
            said.update(dict.fromkeys(_rules(fact.value).rules, answer))
    return said


def _holds(known: Known, answers: Mapping[str, str]) -> Holds:
    """What is held, with the answers that have been heard."""
    holds: Holds = {
        name.removeprefix(HOLD): _held(fact.value)
        for name, fact in known.items()
        if name.startswith(HOLD)
    }
    for rule, answer in answers.items():
        holds = answered(holds, [rule], answer)
    return holds
