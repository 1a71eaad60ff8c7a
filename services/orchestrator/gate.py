"""The conductor's policy enforcement point: the only one that its sagas pass.

So if it misbehaves and goes by old rules, nobody else stops what they let through.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from services.kit.faults import Faults
from services.kit.message import Message, Mode, SagaId, Vocabulary
from services.messages import OrderPlaced
from services.orchestrator.state import Path, SagaState
from services.orchestrator.store import Sagas, Stored
from services.policy.bench import Bench, claims
from services.policy.point import EnforcementPoint
from services.policy.rulebook import InForce, Rulebook
from services.policy.ruling import Books, Case, Gate, Holds, Ruling
from services.policy.tables import PolicyTables


@dataclass(frozen=True)
class Sitting:
    """One batch's decisions, by the rules that were in force when it began."""

    now: InForce
    faults: Faults
    bench: Bench
    tables: PolicyTables
    words: Vocabulary
    rejected: list[SagaId] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        point: EnforcementPoint,
        faults: Faults,
        words: Vocabulary,
        connection: Any,
        sagas: Sagas,
        messages: Iterable[Message],
    ) -> Sitting:
        """Accounts of limits are locked at once and in one order, so that replicas queue up."""
        now, tables = point.rules.now, point.tables
        new = (m for m in messages if m.saga_id not in sagas.sagas)
        beginning = [Stored(0, SagaState(), m) for m in new if m.type == OrderPlaced.__name__]
        wanted = claims(now.book, _to_come(now.book, words, [*sagas.sagas.values(), *beginning]))
        books = tables.open(connection, wanted) if wanted else Books(sagas.now)
        return cls(now, faults, Bench(books), tables, words)

    def book_of(self, step: str, placed: Message) -> Rulebook:
        is_stale = self.faults.is_stale(step, Mode.ORCHESTRATION, placed.id)
        return self.now.before if is_stale else self.now.book

    def gate(self, stored: Stored) -> Gate:
        placed = stored.placed

        def decide(step: str, facts: frozenset[str], holds: Holds) -> Ruling:
            order, book = _order(self.words, placed), self.book_of(step, placed)
            self.stale.extend([step] if book is not self.now.book else [])
            case = Case(placed.saga_id, Mode.ORCHESTRATION, step, order, facts, holds)
            return self.bench.decide(book, case)

        return decide

    def close(self, connection: Any) -> None:
        """An order that ended rejected takes nothing from a limit."""
        if self.bench.minutes:
            self.tables.close(connection, self.bench)
        if self.rejected:
            self.tables.release(connection, self.rejected)


def _to_come(
    book: Rulebook, words: Vocabulary, sagas: Iterable[Stored]
) -> Iterator[tuple[str, OrderPlaced]]:
    """Steps that may be begun now, with their orders."""
    limited = [step for step, guards in book.guards.items() if any(g.rule.limit for g in guards)]
    for stored in sagas:
        open_steps = [step for step in limited if step not in stored.state.steps]
        if open_steps and stored.state.path is Path.FORWARD:
            order = _order(words, stored.placed)
            yield from ((step, order) for step in open_steps)


def _order(words: Vocabulary, placed: Message) -> OrderPlaced:
    order = words.body(placed)
    assert isinstance(order, OrderPlaced)
    return order
