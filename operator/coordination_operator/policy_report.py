"""What the status of a Policy says: figures, who enforces what, and the conditions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from msgspec.structs import replace

from coordination_operator.conditions import Judged, judged_anew
from coordination_operator.policy_plan import InForce, PolicyObject
from coordination_operator.policy_resources import (
    PointStatus,
    PolicyStatus,
    Remembered,
    Share,
    Shares,
)
from coordination_operator.policy_union import Standing
from coordination_operator.resources import Who
from coordination_operator.status import Condition, Note

AWAY = "OrderServiceUnavailable"
MOST_NAMED = 5


def reported(
    policy: PolicyObject, standing: Standing, in_force: InForce, now: datetime
) -> PolicyStatus:
    """Once what is to be in force is: only then it may be said that something was accepted."""
    kept = (
        None
        if standing.generation is None
        else Remembered(generation=standing.generation, rules=standing.rules)
    )
    accepted, enforced = _accepted(standing), _enforced(standing, in_force)
    status = replace(
        policy.status,
        observed_generation=policy.generation,
        rules=len(standing.rules),
        version=in_force.version,
        enforcing=_fraction(in_force.points, in_force),
        modes=Shares(
            orchestration=_share(Who.ORCHESTRATION, in_force),
            choreography=_share(Who.CHOREOGRAPHY, in_force),
        ),
        points=in_force.points,
        message=accepted[2] if accepted[0] != "True" else enforced[2],
        accepted=kept,
        proposed=None,
    )
    return _conditioned(status, policy, now, [("Accepted", accepted), ("Enforced", enforced)])


def reported_blind(
    policy: PolicyObject, standing: Standing, why: str, now: datetime
) -> PolicyStatus:
    """Nothing is known of the rules in force; what was known before is kept."""
    known = policy.status.accepted
    judged: list[tuple[str, Judged]] = [("Enforced", ("Unknown", AWAY, why))]
    if standing.problem is not None:
        judged.append(("Accepted", _refused(standing)))
    elif known is None or known.generation != policy.generation:
        judged.append(("Accepted", ("Unknown", AWAY, why)))
    status = replace(policy.status, observed_generation=policy.generation, message=why)
    return _conditioned(status, policy, now, judged)


def told(before: PolicyStatus, after: PolicyStatus) -> Iterator[Note]:
    """What is worth an event: each verdict on a generation, and each version enforced by all."""
    was, now = (each.condition("Accepted") for each in (before, after))
    if now is not None and now.status != "Unknown" and _words(was) != _words(now):
        yield Note(now.reason, now.message, warning=now.status == "False")
    was, now = (each.condition("Enforced") for each in (before, after))
    is_new = was is None or was.status != "True" or before.version != after.version
    if now is not None and now.status == "True" and is_new:
        yield Note("Enforced", now.message)


def _accepted(standing: Standing) -> Judged:
    if standing.problem is not None:
        return _refused(standing)
    return "True", "Accepted", f"{_rules(standing)} in force"


def _refused(standing: Standing) -> Judged:
    assert standing.problem is not None
    stay = (
        "none of its rules is in force"
        if standing.generation is None
        else f"the rules of generation {standing.generation} stay in force"
    )
    return "False", standing.problem.reason, f"{standing.problem.message}; {stay}"


def _enforced(standing: Standing, in_force: InForce) -> Judged:
    version, points = in_force.version, in_force.points
    if not points:
        return "Unknown", "NoPoints", "nobody is there who says what is enforced"
    if behind := in_force.behind:
        return "False", "PointsBehind", f"version {version} is not enforced by {_named(behind)}"
    everywhere = f"version {version} is enforced by {len(points)} points: {_by_mode(in_force)}"
    if standing.problem is not None:
        return "False", "NotAccepted", f"the rules of before are: {everywhere}"
    return "True", "AllPoints", everywhere


def _named(behind: Iterable[PointStatus]) -> str:
    points = list(behind)
    named = [f"{each.instance} (version {each.version})" for each in points[:MOST_NAMED]]
    more = [f"{len(points) - MOST_NAMED} more"] if len(points) > MOST_NAMED else []
    return ", ".join([*named, *more])


def _by_mode(in_force: InForce) -> str:
    shares = ((who, _share(who, in_force)) for who in Who)
    return ", ".join(f"{who.mode} {each.enforcing}/{each.points}" for who, each in shares)


def _share(who: Who, in_force: InForce) -> Share:
    points = [each for each in in_force.points if each.mode is who]
    enforcing = sum(each.version >= in_force.version for each in points)
    return Share(enforcing=enforcing, points=len(points))


def _fraction(points: tuple[PointStatus, ...], in_force: InForce) -> str:
    return f"{len(points) - len(in_force.behind)}/{len(points)}"


def _rules(standing: Standing) -> str:
    count = len(standing.rules)
    return "1 rule is" if count == 1 else f"{count} rules are"


def _words(condition: Condition | None) -> tuple[int, str, str] | None:
    if condition is None:
        return None
    return condition.observed_generation, condition.reason, condition.message


def _conditioned(
    status: PolicyStatus,
    policy: PolicyObject,
    now: datetime,
    judged: Iterable[tuple[str, Judged]],
) -> PolicyStatus:
    conditions = judged_anew(status.conditions, policy.generation, now, judged)
    return replace(status, conditions=conditions)
