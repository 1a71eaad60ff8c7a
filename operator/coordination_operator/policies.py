"""What becomes of all Policies of a namespace together: pure.

What must stay true: the rules in force are those of all objects, in the order of their names; an
edit that is refused changes nothing; without any object the rules are somebody else's. Rules are
remembered as proposed before they are put in force, and as accepted afterwards.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from coordination_operator.policy_plan import (
    InForce,
    PolicyObject,
    PolicyPlan,
    Refusals,
    SetRules,
)
from coordination_operator.policy_report import reported, reported_blind, told
from coordination_operator.policy_resources import PolicyStatus, Remembered
from coordination_operator.policy_union import Standing, remembered, standings, union
from coordination_operator.status import Note

BUSY: Final = timedelta(seconds=2)
AT_LEISURE: Final = timedelta(seconds=15)


def decide_policies(
    policies: Sequence[PolicyObject],
    in_force: InForce | None,
    now: datetime,
    refusals: Refusals = {},  # noqa: B006 - never changed
    unseen: str = "the order service does not answer",
) -> PolicyPlan:
    """There is at least one; `farewell` is for when there are none any more."""
    found = standings(policies, in_force, refusals)
    if in_force is None:
        blind = {
            each.name: reported_blind(each, found[each.name], unseen, now) for each in policies
        }
        return PolicyPlan(_told(policies, blind), again=BUSY)
    shares = {name: standing.rules for name, standing in found.items()}
    rules = union(shares)
    if rules != in_force.rules:
        wish = SetRules(rules, in_force.version)
        replaced = _replaced(policies, in_force, wish)
        proposed = {
            each.name: _proposed(each, found[each.name], in_force).to_be_announced(replaced)
            for each in policies
        }
        return PolicyPlan(proposed, wish, shares, BUSY)
    statuses = {each.name: reported(each, found[each.name], in_force, now) for each in policies}
    waiting = in_force.behind or not in_force.points
    again = BUSY if waiting else AT_LEISURE
    return PolicyPlan(_told(policies, statuses), shares=shares, again=again)


def farewell(in_force: InForce | None, ours: Collection[int]) -> PolicyPlan:
    """The last object was deleted: its rules go with it, unless somebody else has put others in
    force since."""
    if in_force is None:
        return PolicyPlan(again=BUSY)
    is_left = in_force.rules and in_force.version in ours
    return PolicyPlan(wish=SetRules((), in_force.version) if is_left else None)


def _proposed(policy: PolicyObject, standing: Standing, in_force: InForce) -> PolicyStatus:
    """What was accepted stays remembered until the new rules are seen in force; and that somebody
    else's version was seen, so that it is told once."""
    before = remembered(policy, in_force)
    wanted = None
    if standing.generation is not None and (before is None or before.rules != standing.rules):
        wanted = Remembered(generation=standing.generation, rules=standing.rules)
    return replace(policy.status, accepted=before, proposed=wanted, version=in_force.version)


def _replaced(
    policies: Sequence[PolicyObject], in_force: InForce, wish: SetRules
) -> tuple[Note, ...]:
    """Somebody else has put rules in force since, and they are about to be replaced."""
    versions = {each.status.version for each in policies}
    known = [remembered(each, in_force) for each in sorted(policies, key=lambda each: each.name)]
    ours = tuple(rule for each in known if each for rule in each.rules)
    if in_force.version in versions or in_force.rules == ours:
        return ()
    foreign = [rule.name for rule in in_force.rules if rule not in wish.rules]
    gone = [rule.name for rule in wish.rules if rule in ours and rule not in in_force.rules]
    said = [f"{', '.join(foreign)} of no Policy"] if foreign else []
    said += [f"{', '.join(gone)} missing"] if gone else []
    what = f"version {in_force.version}, put in force by somebody else, is replaced"
    return (Note("RulesReplaced", "; ".join([what, *said]), warning=True),)


def _told(
    policies: Iterable[PolicyObject], statuses: Mapping[str, PolicyStatus]
) -> dict[str, PolicyStatus]:
    """With what there is to announce of each."""
    return {
        each.name: statuses[each.name].to_be_announced(told(each.status, statuses[each.name]))
        for each in policies
    }
