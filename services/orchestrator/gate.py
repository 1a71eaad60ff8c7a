"""The conductor's policy enforcement point: the only one that its sagas pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from services.kit.message import Message, Mode, SagaId, Vocabulary
from services.messages import OrderPlaced
from services.orchestrator.state import Path, SagaState
from services.orchestrator.store import Sagas, Stored
from services.policy.bench import Bench, claims
from services.policy.point import EnforcementPoint
from services.policy.rulebook import Rulebook
from services.policy.ruling import Books, Case, Gate, Holds, Ruling
from services.policy.tables import PolicyTables


@dataclass(frozen=True)
class Sitting:
    """One batch's decisions, by the rulebook that was in force when it began."""

    book: Rulebook
    bench: Bench
    tables: PolicyTables
    words: Vocabulary
    rejected: list[SagaId] = field(default_factory=list)

    @classmethod
    def of(
        cls,
        point: EnforcementPoint,
        words: Vocabulary,
        connection: Any,
        sagas: Sagas,
        messages: Iterable[Message],
    ) -> Sitting:
        """Accounts of limits are locked at once and in one order, so that replicas queue up."""
        book, tables = point.rules.book, point.tables
        new = (m for m in messages if m.saga_id not in sagas.sagas)
        beginning = [Stored(0, SagaState(), m) for m in new if m.type == OrderPlaced.__name__]
        wanted = claims(book, _to_come(book, words, [*sagas.sagas.values(), *beginning]))
        books = tables.open(connection, wanted) if wanted else Books(sagas.now)
        return cls(book, Bench(books), tables, words)

    def gate(self, stored: Stored) -> Gate:
        placed = stored.placed

        def decide(step: str, facts: frozenset[str], holds: Holds) -> Ruling:
            order = _order(self.words, placed)
            case = Case(placed.saga_id, Mode.ORCHESTRATION, step, order, facts, holds)
            return self.bench.decide(self.book, case)

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
