"""The independent auditor: the history of orders against the rules of their time.

Pure, and it believes no enforcement point: it replays what happened (events, with their times) and
looks only at rule sets, at when points said they enforce them, and at what people answered. No
order is accused that may have been decided before a rule came: a step counts against the rules
that were in force from its last cause on, or from when older ones let it go on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from services.policy.accounts import Account, Accounts, Taken
from services.policy.candidates import Candidate, Candidates, Dated, is_true
from services.policy.cel import EvaluationError
from services.policy.evidence import (
    NEVER,
    PROCESS,
    REFUSALS,
    UNDONE,
    Answer,
    Done,
    Era,
    Findings,
    History,
    Kind,
)
from services.policy.rulebook import Guard, Rulebook, compile_rules
from services.policy.rules import Effect, RuleSet
from services.policy.steps import CAUSES, DONE

# How long an answer may take to whom it is about.
HEARD_WITHIN_SECONDS: Final = 5.0


def audit(eras: Sequence[Era], histories: Iterable[History]) -> Findings:
    """`eras` in the order of their versions."""
    auditor = Auditor(eras)
    auditor.go_over(histories)
    return auditor.findings


class Auditor:
    def __init__(self, eras: Sequence[Era]) -> None:
        self._books: dict[int, Rulebook] = {}
        self._eras: list[Dated] = []
        self._accounts = Accounts()
        self.findings = Findings()
        self.look_at(eras)

    def look_at(self, eras: Sequence[Era]) -> None:
        """The rules so far; points may have said more of them since the last look."""
        self._eras = [(era, self._book(era.rules)) for era in (Era(RuleSet()), *eras)]

    def take_findings(self) -> Findings:
        """Those since the last time; the accounts of limits go on."""
        found, self.findings = self.findings, Findings()
        return found

    def _book(self, rules: RuleSet) -> Rulebook:
        if rules.version not in self._books:
            self._books[rules.version] = compile_rules(rules)
        return self._books[rules.version]

    def go_over(self, histories: Iterable[History]) -> None:
        """In the order of time; of limits, those that come later are judged rightly, too."""
        done = [each for history in histories for each in self.take(history)]
        for each in sorted(done, key=lambda one: one.at):
            self.judge(each)
        self._forget(max((each.at for each in done), default=0.0))

    def _forget(self, now: float) -> None:
        """What no limit that ever was looks back to."""
        windows = (r.limit.window_seconds for e, _ in self._eras for r in e.rules.rules if r.limit)
        self._accounts.forget(now - max(windows, default=0.0))

    def take(self, history: History) -> Iterator[Done]:
        """Its steps; what was done before its cause, nobody can have asked for."""
        self.findings.orders += 1
        self._count_refused(history)
        for step, event in DONE.items():
            at = history.events.get(event)
            if at is None:
                continue
            done = _step(history, step, at)
            for cause in CAUSES[step]:
                if history.events.get(cause, NEVER) > at:
                    unasked = done.violation(PROCESS, 0, Kind.BYPASS, f"without {cause}")
                    self.findings.violations.append(unasked)
            yield done

    def _count_refused(self, history: History) -> None:
        """They were decided, too. Whatever is refused by nobody was not."""
        self._count(history.was_stopped, history.was_stopped)
        for step, event in REFUSALS.items():
            at = history.events.get(event)
            if at is not None and DONE[step] not in history.events:
                refused = _step(history, step, at)
                self._count(True, self._candidates(refused).is_guarded)

    def _count(self, decided: bool, guarded: bool) -> None:
        self.findings.steps += decided
        self.findings.guarded += guarded

    def _candidates(self, done: Done) -> Candidates:
        in_force = [dated for dated in self._eras if dated[0].rules.applied_at <= done.at]
        return Candidates(done, in_force)

    def judge(self, done: Done) -> None:
        sets = self._candidates(done)
        self._count(True, sets.is_guarded)
        broken = [self._broken(done, each) for each in sets.possible]
        if all(broken):
            self.findings.violations += [sets.violation(*each) for each in broken[0].items()]
        self._spend(done, sets)

    def _broken(self, done: Done, one: Candidate) -> dict[str, str]:
        """The enforced rules that forbid it, and why."""
        found = {}
        for guard in one.book.guards.get(done.step, ()):
            why = self._forbids(done, guard, one.since) if guard.rule.enforced else None
            if why is not None:
                found[guard.rule.name] = why
        return found

    def _forbids(self, done: Done, guard: Guard, since: float) -> str | None:
        rule = guard.rule
        try:
            if not guard.when.evaluate(done.seen):
                return None
            missing = [fact for fact in guard.facts if fact not in done.facts]
            if missing:
                return f"without {missing[0]}"
            if rule.effect is Effect.LIMIT:
                return self._over(done, guard, since)
            if rule.effect is Effect.HOLD:
                return _unanswered(done, guard)
            return "denied" if rule.effect is Effect.DENY else None
        except EvaluationError as error:
            return f"error: {error}" if rule.on_error == "closed" else None

    def _over(self, done: Done, guard: Guard, since: float) -> str | None:
        account, taken = _taken(done, guard, since)
        return self._accounts.over(account, done.history.order_id, taken)

    def _spend(self, done: Done, sets: Candidates) -> None:
        """Only what the point surely took, by whichever set it went. Who was undone has got it
        back."""
        if not UNDONE.isdisjoint(done.history.events):
            return
        taken = [self._within_limits(done, each.book) for each in sets.all]
        for account in set(taken[0]).intersection(*taken):
            least = min(each[account].amount for each in taken)
            charge = sets.violation(account[0]) if len(sets.possible) == 1 else None
            one = msgspec.structs.replace(taken[-1][account], amount=least, charge=charge)
            self.findings.violations += self._accounts.book(account, done.history.order_id, one)

    def _within_limits(self, done: Done, book: Rulebook) -> dict[Account, Taken]:
        """What it took by these rules; who goes beyond a limit, or only looks, may take nothing."""
        taken = {}
        for guard in book.guards.get(done.step, ()):
            if guard.rule.limit is None or not guard.rule.enforced or not is_true(done, guard):
                continue
            try:
                account, one = _taken(done, guard, done.caused_at)
            except EvaluationError:  # then the point took nothing either
                continue
            if self._accounts.over(account, done.history.order_id, one) is None:
                taken[account] = one
        return taken


def _step(history: History, step: str, at: float) -> Done:
    causes = (history.events.get(cause, NEVER) for cause in CAUSES[step])
    return Done(history, step, max((each for each in causes if each <= at), default=at), at)


def _unanswered(done: Done, guard: Guard) -> str | None:
    """Who is not held waits for nobody: that is a violation, too."""
    rule = guard.rule
    for answer in done.history.answers:
        if answer.rule != rule.name:
            continue
        in_time = answer.answered_at is not None and answer.answered_at <= done.at
        if answer.answer == "approved" and in_time:
            return None
        if rule.hold.silence == "allow" and answer.until <= done.at and _came_late(answer):
            return None
        return answer.answer or "nobody has answered"
    return "was not held"


def _came_late(answer: Answer) -> bool:
    """Or never: then its point may have taken it for silence."""
    return answer.answered_at is None or answer.answered_at > answer.until - HEARD_WITHIN_SECONDS


def _taken(done: Done, guard: Guard, since: float) -> tuple[Account, Taken]:
    assert guard.per is not None
    assert guard.sum is not None
    assert guard.rule.limit is not None
    key, amount = str(guard.per.evaluate(done.seen)), int(guard.sum.evaluate(done.seen))
    taken = Taken(since, done.at, amount, guard.rule.limit)
    return (guard.rule.name, key, done.history.mode, done.point), taken
