"""Conditions as all of Kubernetes has them: what changes is when one became what it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from coordination_operator.status import Condition

Judged = tuple[str, str, str]  # status, reason, message


def judged_anew(
    conditions: Iterable[Condition],
    generation: int,
    now: datetime,
    judged: Iterable[tuple[str, Judged]],
) -> tuple[Condition, ...]:
    """What is not judged anew is kept as it was."""
    found = {each.type: each for each in conditions}
    for kind, (value, reason, message) in judged:
        before = found.get(kind)
        changed = before is None or before.status != value
        found[kind] = Condition(
            type=kind,
            status=value,
            reason=reason,
            message=message,
            last_transition_time=now if changed or before is None else before.last_transition_time,
            observed_generation=generation,
        )
    return tuple(found.values())
