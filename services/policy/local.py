"""A participant's enforcement point, for sagas in choreography: nobody else is there to do it.

What the conductor simply knows, a participant has to remember here: the order, the facts that
rules wait for, what is held, and how a step was decided. It is the saga's row of `facts`, whose
lock is what joins meet on. Once a step is decided the decision stands, whatever comes again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from services.kit.effects import Effects, Handled
from services.kit.faults import Faults
from services.kit.handling import Playbook, Reaction
from services.kit.message import Message, Mode, Vocabulary
from services.kit.session import Fact, Facts, Session
from services.messages import OrderPlaced
from services.policy.bench import Bench, claims
from services.policy.point import EnforcementPoint
from services.policy.remembered import (
    ANSWERS,
    DECIDED,
    GOES_BACK,
    PARKED,
    Known,
    answers_of,
    decision_of,
    encode,
    holds_of,
)
from services.policy.rulebook import InForce, Rulebook
from services.policy.ruling import Verdict
from services.policy.sitting import Sitting, unpark
from services.policy.steps import (
    DONE,
    EXPIRED,
    PLACED,
    REFUSABLE,
)

if TYPE_CHECKING:
    from services.kit.participant import Work


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

    @cached_property
    def step(self) -> str:
        """The one of its owner's that can be refused."""
        return next((step for step in REFUSABLE if step in self.reactions), "")

    @cached_property
    def _backward(self) -> frozenset[str]:
        """What makes it undo that step."""
        undoing = {command.__name__ for command in self.playbook.commands if command.compensates}
        made = self.playbook.reactions.items()
        return frozenset(kind for kind, reaction in made if reaction.makes in undoing)

    def turns_back(self, message: Message) -> bool:
        """Whether its order may be held here and goes back: once there have been rules."""
        if message.type not in self._backward or message.mode is not Mode.CHOREOGRAPHY:
            return False
        return self.point.rules.book.version > 0

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
        decided = known.get(DECIDED + self.step)
        if decided is not None:
            waited = decision_of(decided.value).by == message.id
        else:
            waited = self.remembers(message.type) or PARKED in known
        return self.reactions[self.step] if self.step and waited else None

    def has_let_through(self, work: Work, facts: Facts) -> bool:
        """Whether no rule is, or was, to be asked about it any more."""
        mark = facts.get(work.message.saga_id, {}).get(DECIDED + work.step)
        if mark is not None:
            return decision_of(mark.value).verdict is Verdict.ALLOWED
        known = facts.get(work.message.saga_id, {})
        return not self._is_guarded(work, known, self.point.rules.now)

    def admit(
        self, session: Session, works: Sequence[Work], facts: Facts, effects: Effects
    ) -> list[Work]:
        """Those that may be done or have to be refused; what waits or is held is left out."""
        works = [work for work in works if not self._is_held_and_not_lost(session, work, facts)]
        admitted = self._decide(session, works, facts, effects)
        self._let_go(session, works, facts, effects)
        return admitted

    def _decide(
        self, session: Session, works: Sequence[Work], facts: Facts, effects: Effects
    ) -> list[Work]:
        now = self.point.rules.now
        guarded = {work.effect: order for work, order in self._remembered(works, facts, now)}
        if not guarded:
            return list(works)
        asked = ((work.step, guarded[work.effect]) for work in works if work.effect in guarded)
        wanted = claims(now.book, asked)
        bench = Bench(self.point.tables.open(session.connection, wanted))
        sitting = Sitting(self, now, session, bench, effects, {})
        admitted = [
            sitting.admit(work, guarded[work.effect], facts.get(work.message.saga_id, {}))
            if work.effect in guarded
            else work
            for work in works
        ]
        sitting.close()
        return [work for work in admitted if work is not None]

    def _let_go(
        self, session: Session, works: Sequence[Work], facts: Facts, effects: Effects
    ) -> None:
        """What goes back is held no longer, and not decided any more when it is heard of late."""
        back = {work.message.saga_id for work in works if self.turns_back(work.message)}
        guarded = any(self.step in book.guards for book in self._books(self.point.rules.now))
        held = [saga for saga in back if guarded or PARKED in facts.get(saga, {})]
        if not held:
            return
        mark = {DECIDED + self.step: Fact(encode(GOES_BACK).decode(), 1)}
        known = session.merge_facts(dict.fromkeys(held, mark)).now.values()
        if parked := {each[PARKED].value for each in known if PARKED in each}:
            unpark(session, effects, parked)

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
        holds = holds_of(known, answers_of(known)).values()
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
