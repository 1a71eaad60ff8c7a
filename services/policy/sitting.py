"""One batch's decisions at a participant, and what is written and told of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from services.kit.effects import Effects, Outgoing
from services.kit.faults import Fault
from services.kit.message import Mode, SagaId, follow_up
from services.kit.session import Fact, Parked, Session
from services.messages import OrderPlaced, StepHeld
from services.policy.bench import Bench
from services.policy.remembered import (
    DECIDED,
    HOLD,
    PARKED,
    Decided,
    Known,
    answers_of,
    decision_of,
    encode,
    holds_of,
)
from services.policy.rulebook import InForce, Rulebook
from services.policy.ruling import SILENCE, Case, Holds, Ruling, Verdict, silenced
from services.policy.steps import FACTS, hold_attempt

if TYPE_CHECKING:
    from services.kit.participant import Work
    from services.policy.local import LocalGate


@dataclass(frozen=True)
class Sitting:
    """One batch's decisions, by the rules that were in force when it began; `marks` are what is to
    be remembered of them."""

    gate: LocalGate
    now: InForce
    session: Session
    bench: Bench
    effects: Effects
    marks: dict[SagaId, dict[str, Fact]]

    def admit(self, work: Work, order: OrderPlaced, known: Known) -> Work | None:
        saga = work.message.saga_id
        known = {**known, **self.marks.get(saga, {})}
        answers = answers_of(known)
        holds = holds_of(known, answers)
        work = replace(work, held_until=_over_since(holds, self.bench.books.now))
        mark = known.get(DECIDED + work.step)
        if mark is not None:
            decided = decision_of(mark.value)
            return (
                None if decided.goes_back else _settled(work, Ruling(decided.verdict, decided.rule))
            )
        heard = frozenset(name for name in known if name in FACTS)
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
        self._unpark_other(work, known)

    def _unpark_other(self, work: Work, known: Known) -> None:
        """One message at most waits for a saga's holds."""
        parked = known.get(PARKED)
        if parked is not None and parked.value != work.message.id:
            unpark(self.session, self.effects, {parked.value})

    def _hold(self, work: Work, ruling: Ruling, known: Known, book: Rulebook) -> None:
        """The message comes again when the first of the holds is over, and so on."""
        parked = known.get(PARKED)
        if not ruling.fresh and (parked is None or parked.value != work.message.id):
            return
        self._unpark_other(work, known)
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
        fact = Fact(encode(value).decode(), work.attempt)
        self.marks.setdefault(work.message.saga_id, {})[name] = fact


def unpark(session: Session, effects: Effects, ids: set[str]) -> None:
    """Also what this transaction has only just parked."""
    session.unpark(sorted(ids))
    effects.parked = [each for each in effects.parked if each.message.id not in ids]


def _over_since(holds: Holds, now: float) -> float:
    """Since when nobody can answer any more; an answer is a message of its own."""
    silent = (held for held in silenced(holds, now).values() if held.answer == SILENCE)
    return max((held.until for held in silent), default=0.0)


def _settled(work: Work, ruling: Ruling) -> Work:
    return replace(work, denied=ruling.reason) if ruling.verdict is Verdict.DENIED else work
