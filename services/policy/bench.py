"""Where a step is decided: the rules that guard it, over the order and what is known so far.

Pure: what it comes to is data, to be written in the transaction of the step. One bench serves one
batch, so that two orders of one customer in the same batch count both.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from services.messages import OrderPlaced
from services.policy.cel import EvaluationError
from services.policy.rulebook import Context, Guard, Rulebook, context
from services.policy.rules import Effect, Rule
from services.policy.ruling import (
    APPROVED,
    DECLINED,
    ERROR,
    SILENCE,
    Books,
    Case,
    Claim,
    Held,
    Minute,
    Ruling,
    Spent,
    Verdict,
    silenced,
)
from services.policy.steps import REFUSABLE


@dataclass(frozen=True)
class _Finding:
    rule: Rule
    verdict: Verdict
    why: str = ""
    spent: Spent | None = None


@dataclass
class Bench:
    """`seconds` and `minutes` are for the metrics and the audit log."""

    books: Books
    minutes: list[Minute] = field(default_factory=list)
    spent: list[Spent] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def decide(self, book: Rulebook, case: Case) -> Ruling:
        guards = book.guards.get(case.step, ())
        if not guards and not case.holds:
            return Ruling(Verdict.ALLOWED)
        began = time.perf_counter()
        case = replace(case, holds=silenced(case.holds, self.books.now))
        found = list(self._findings(guards, case))
        ruling = self._combined(found, case)
        self._write(book, case, ruling, found)
        if found:
            self.seconds.append(time.perf_counter() - began)
        return ruling

    def _findings(self, guards: Sequence[Guard], case: Case) -> Iterator[_Finding]:
        standing = {finding.rule.name: finding for finding in _standing(case)}
        seen = context(case.order) if guards else {}
        for guard in guards:
            name = guard.rule.name
            yield standing.pop(name) if name in standing else self._find(guard, case, seen)
        yield from standing.values()

    def _combined(self, found: Sequence[_Finding], case: Case) -> Ruling:
        """No beats wait, wait beats hold: nobody is asked about what may still be refused."""
        enforced = [finding for finding in found if finding.rule.enforced]
        for verdict in (Verdict.DENIED, Verdict.WAITING):
            for finding in enforced:
                if finding.verdict is verdict:
                    return Ruling(verdict, finding.rule.name, case.holds)
        held = [finding.rule for finding in enforced if finding.verdict is Verdict.HELD]
        if not held:
            return Ruling(Verdict.ALLOWED, "", case.holds)
        fresh = [rule for rule in held if rule.name not in case.holds]
        begun = {r.name: Held(self.books.now + r.hold.seconds, step=case.step) for r in fresh}
        return Ruling(Verdict.HELD, held[0].name, {**case.holds, **begun}, tuple(begun))

    def _find(self, guard: Guard, case: Case, seen: Context) -> _Finding:
        """A rule that only looks cannot wait; it says that it would have."""
        rule = guard.rule
        unknown = [fact for fact in guard.needs if fact not in case.facts]
        if unknown:
            return _Finding(rule, Verdict.WAITING, f"waits for {unknown[0]}")
        try:
            if not guard.when.evaluate(seen):
                return _Finding(rule, Verdict.ALLOWED)
            missing = [fact for fact in rule.after if fact not in case.facts]
            return self._judge(guard, case, seen, missing)
        except EvaluationError as error:
            closed = rule.on_error == "closed"
            return _Finding(rule, Verdict.DENIED if closed else Verdict.ALLOWED, f"{ERROR}{error}")

    def _judge(self, guard: Guard, case: Case, seen: Context, missing: Sequence[str]) -> _Finding:
        rule = guard.rule
        if rule.effect is Effect.LIMIT:
            return self._limited(guard, case, seen)
        if rule.effect is Effect.HOLD:
            return _Finding(rule, *_answered(rule, case.answer(rule.name)))
        if rule.effect is Effect.DENY:
            return _Finding(rule, Verdict.DENIED)
        if not missing:
            return _Finding(rule, Verdict.ALLOWED)
        verdict = Verdict.WAITING if rule.enforced else Verdict.DENIED
        return _Finding(rule, verdict, f"without {missing[0]}")

    def _limited(self, guard: Guard, case: Case, seen: Context) -> _Finding:
        limit = guard.rule.limit
        assert limit is not None
        assert guard.per is not None
        assert guard.sum is not None
        key, amount = str(guard.per.evaluate(seen)), guard.sum.evaluate(seen)
        before = self.books.spent.get((guard.rule.name, key), 0)
        why = f"{before} + {amount} of {limit.at_most} for {key}"
        if before + amount > limit.at_most:
            return _Finding(guard.rule, Verdict.DENIED, why)
        spent = Spent(guard.rule.name, key, case.saga_id, amount)
        return _Finding(guard.rule, Verdict.ALLOWED, why, spent)

    def _write(self, book: Rulebook, case: Case, ruling: Ruling, found: Sequence[_Finding]) -> None:
        """What is final, and each hold once when it begins; waiting is no decision."""
        if ruling.verdict in (Verdict.ALLOWED, Verdict.DENIED):
            decided = [each for each in found if _is_final(each)]
        else:
            decided = [each for each in found if each.rule.name in ruling.fresh]
        self.minutes.extend(_minute(book.version, case, each) for each in decided)
        if ruling.verdict is Verdict.ALLOWED:
            for each in found:
                self._spend(each.spent)

    def _spend(self, spent: Spent | None) -> None:
        if spent is not None:
            account = spent.rule, spent.key
            self.books.spent[account] = self.books.spent.get(account, 0) + spent.amount
            self.spent.append(spent)


def _is_final(finding: _Finding) -> bool:
    decided = finding.verdict in (Verdict.ALLOWED, Verdict.DENIED)
    return decided or not finding.rule.enforced


def _answered(rule: Rule, answer: str) -> tuple[Verdict, str]:
    if not answer:
        return Verdict.HELD, ""
    silently = answer == SILENCE and rule.hold.silence == "allow"
    allowed = silently or answer == APPROVED
    return (Verdict.ALLOWED if allowed else Verdict.DENIED), answer


def _standing(case: Case) -> Iterator[_Finding]:
    """A hold lasts until somebody answers or its time is over, and a no is a no, whatever has
    become of the rule meanwhile."""
    for name, held in case.holds.items():
        is_of_step = held.step == case.step or (not held.step and case.step in REFUSABLE)
        if is_of_step and held.answer in ("", DECLINED):
            verdict = Verdict.DENIED if held.answer else Verdict.HELD
            rule = Rule(name=name, guards=case.step, effect=Effect.HOLD)
            yield _Finding(rule, verdict, held.answer)


def _minute(version: int, case: Case, finding: _Finding) -> Minute:
    rule, facts = finding.rule, tuple(sorted(case.facts))
    return Minute(
        case.saga_id,
        case.mode,
        case.step,
        rule.name,
        version,
        rule.effect,
        rule.enforced,
        finding.verdict,
        finding.why,
        facts,
    )


def claims(book: Rulebook, cases: Iterable[tuple[str, OrderPlaced]]) -> list[Claim]:
    """The accounts that deciding these (step, order) may look at, in one order for everybody."""
    found = {claim for step, order in cases for claim in _claims_of(book, step, order)}
    return sorted(found, key=lambda claim: (claim.rule, claim.key))


def _claims_of(book: Rulebook, step: str, order: OrderPlaced) -> Iterator[Claim]:
    for guard in book.guards.get(step, ()):
        limit = guard.rule.limit
        if limit is not None and guard.per is not None:
            try:
                key = str(guard.per.evaluate(context(order)))
            except EvaluationError:
                continue
            yield Claim(guard.rule.name, key, limit.window_seconds)
