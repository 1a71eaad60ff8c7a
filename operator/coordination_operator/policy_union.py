"""Which rules of which object are to be in force: pure.

What must stay true: an edit that is refused takes no rule away, neither its own object's nor
another's. The rules that were accepted last stay, and names belong to who has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from coordination_operator.policy_plan import InForce, PolicyObject, Refusals, Rules
from coordination_operator.policy_resources import Remembered
from services.policy.rulebook import compile_rules
from services.policy.rules import RuleError, RuleSet, check, read_rules

REFUSED: Final = "RuleRefused"
TAKEN: Final = "NameTaken"


@dataclass(frozen=True)
class Problem:
    reason: str
    message: str


@dataclass(frozen=True)
class Standing:
    """An object's rules that are to be in force, and why they are not those of its spec."""

    rules: Rules
    generation: int | None
    problem: Problem | None = None


Shares = dict[str, Rules]


def union(shares: Mapping[str, Rules]) -> Rules:
    """Ordered by the objects' names."""
    return tuple(rule for name in sorted(shares) for rule in shares[name])


def remembered(policy: PolicyObject, in_force: InForce | None) -> Remembered | None:
    """The rules that its object had last. Those that were proposed are that, if they are in force:
    whoever put them there did not live to say so."""
    proposed = policy.status.proposed
    if proposed and in_force and set(proposed.rules) <= set(in_force.rules):
        return proposed
    return policy.status.accepted


def standings(
    policies: Sequence[PolicyObject], in_force: InForce | None, refusals: Refusals
) -> dict[str, Standing]:
    before = {each.name: remembered(each, in_force) for each in policies}
    asked = {each.name: _asked(each, refusals) for each in policies}
    shares, problems = _agreed(
        {name: known.rules if known else () for name, known in before.items()},
        {name: rules for name, rules in asked.items() if not isinstance(rules, Problem)},
        refusals,
    )
    return {
        each.name: _standing(each, shares[each.name], before[each.name], problem)
        for each in policies
        for problem in [_problem(asked[each.name]) or problems.get(each.name)]
    }


def _standing(
    policy: PolicyObject, rules: Rules, before: Remembered | None, problem: Problem | None
) -> Standing:
    if problem is None:
        return Standing(rules, policy.generation)
    kept = before is not None and before.rules == rules
    return Standing(rules, before.generation if before and kept else None, problem)


def _problem(asked: Rules | Problem) -> Problem | None:
    return asked if isinstance(asked, Problem) else None


def readable(spec: object) -> Rules | Problem:
    """A spec's rules, if they make sense by themselves."""
    try:
        rules = read_rules(spec)
    except RuleError as error:
        return Problem(REFUSED, str(error))
    said = _compiler_says(rules)
    return Problem(REFUSED, said) if said else rules


def _asked(policy: PolicyObject, refusals: Refusals) -> Rules | Problem:
    found = readable(policy.spec)
    if isinstance(found, Problem):
        return found
    said = refusals.get((policy.name, found))
    return Problem(REFUSED, said) if said else found


@lru_cache(maxsize=256)
def _compiler_says(rules: Rules) -> str:
    try:
        compile_rules(RuleSet(1, rules))
    except RuleError as error:
        return str(error)
    return ""


def _agreed(
    before: Mapping[str, Rules], wanted: Mapping[str, Rules], refusals: Refusals
) -> tuple[Shares, dict[str, Problem]]:
    """All that is wanted, if it goes together; otherwise what goes with what was there before. Who
    wants a name that another gives up only now gets it the next time, which is at once."""
    kept = _kept(before, refusals)
    everything = {**kept, **wanted}
    if not any(_problems(everything)):
        return everything, {}
    shares, problems = kept, dict[str, Problem]()
    for name in sorted(wanted):
        trial = {**shares, name: wanted[name]}
        problem = next(_problems(trial, name), None)
        if problem is None:
            shares = trial
        else:
            problems[name] = problem
    return shares, problems


def _kept(before: Mapping[str, Rules], refusals: Refusals) -> Shares:
    """What was in force goes together; if it does not any more, the first ones by name stay."""
    shares: Shares = {}
    for name in sorted(before):
        trial = {**shares, name: before[name]}
        good = (name, before[name]) not in refusals and not any(_problems(trial, name))
        shares[name] = before[name] if good else ()
    return shares


def _problems(shares: Mapping[str, Rules], of: str = "") -> Iterator[Problem]:
    """Why they do not go together, as it is said to the object that is to blame for it."""
    owners: dict[str, str] = {}
    for name in sorted(shares, key=lambda each: (each == of, each)):
        for rule in shares[name]:
            owner = owners.setdefault(rule.name, name)
            if owner != name:
                yield Problem(TAKEN, f"{rule.name} is a rule of the Policy {owner}")
    try:
        check(union(shares))
    except RuleError as error:
        yield Problem(REFUSED, f"together with other Policies: {error}")


def blamed(shares: Mapping[str, Rules], said: str, proposing: Sequence[str]) -> list[str]:
    """Whose rules the order service speaks of; if it names none, of those who want a change."""
    named = [
        name
        for name, rules in shares.items()
        if any(said.startswith(f"{rule.name}: ") for rule in rules)
    ]
    return named or list(proposing) or list(shares)
