"""By which rules a step may have been decided, and at what moment at the earliest."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.policy.cel import EvaluationError
from services.policy.evidence import NEVER, Done, Era, Kind, Violation
from services.policy.rulebook import Guard, Rulebook
from services.policy.rules import Effect

Dated = tuple[Era, Rulebook]


@dataclass(frozen=True)
class Candidate:
    """A set by which the step may have been decided; before `since` it kept it waiting."""

    era: Era
    book: Rulebook
    since: float


@dataclass(frozen=True)
class Candidates:
    """Of the sets that there were, in the order of their versions, the last one that the point
    surely enforced when the step was caused, and all after it."""

    done: Done
    in_force: Sequence[Dated]

    @cached_property
    def all(self) -> list[Candidate]:
        done = self.done
        enforced = [era.is_enforced_by(done.point, done.caused_at) for era, _ in self.in_force]
        known = max((i for i, is_so in enumerate(enforced) if is_so), default=0)
        sets = self.in_force[known:]
        return [Candidate(era, book, _earliest(done, book)) for era, book in sets]

    @cached_property
    def possible(self) -> list[Candidate]:
        """Those that no newer one had replaced when they could first let the step go on."""
        applied = [each.era.rules.applied_at for each in self.all]
        first = max(bisect_right(applied, self.done.caused_at) - 1, 0)
        replaced_at = [*applied[1:], NEVER]
        pairs = zip(self.all[first:], replaced_at[first:], strict=True)
        return [each for each, at in pairs if each.since < at]

    @property
    def first(self) -> Candidate:
        return self.possible[0]

    @property
    def is_guarded(self) -> bool:
        """By a rule of the first of them, be it one that only looks."""
        return bool(self.first.book.guards.get(self.done.step))

    def violation(self, rule: str, why: str = "") -> Violation:
        """Of a rule of the first of the possible sets."""
        return self.done.violation(rule, self.first.book.version, self._kind(), why)

    def _kind(self) -> Kind:
        """A bypass, if the point surely enforced that set by then, and no older one any more when
        that could first let the step go on."""
        older = self.all[: self.all.index(self.first)]
        enforced = self._is_enforced(self.first, self.first.since) and all(
            any(self._is_enforced(newer, old.since) for newer in self.all[place:])
            for place, old in enumerate(older, start=1)
        )
        return Kind.BYPASS if enforced else Kind.SLIPPED

    def _is_enforced(self, one: Candidate, at: float) -> bool:
        return one.era.is_enforced_by(self.done.point, at)


def is_true(done: Done, guard: Guard) -> bool:
    try:
        return bool(guard.when.evaluate(done.seen))
    except EvaluationError:
        return False


def _earliest(done: Done, book: Rulebook) -> float:
    """A rule waits for its facts, and who is held for an answer or for the end."""
    waits = [done.caused_at]
    for guard in book.guards.get(done.step, ()):
        if guard.rule.enforced and is_true(done, guard):
            waits += [done.history.events[fact] for fact in done.facts.intersection(guard.facts)]
            waits += _released(done, guard)
    return min(max(waits), done.at)


def _released(done: Done, guard: Guard) -> Iterator[float]:
    if guard.rule.effect is Effect.HOLD:
        for answer in done.history.answers:
            if answer.rule == guard.rule.name:
                yield min(answer.until, answer.answered_at or NEVER)
