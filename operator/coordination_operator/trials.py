"""When a mode was tried before, as the order service's history of the route has it: pure.

It is asked for and not remembered: so it is known of a trial by whomever, in whatever process.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from coordination_operator.plan import Past
from services.kit.message import Mode


@dataclass(frozen=True)
class Earlier:
    """The trial before this one lost its share at `ended`; this one has had one since `began`."""

    ended: datetime
    began: datetime


def earlier_trial(history: Sequence[Past], mode: Mode) -> Earlier | None:
    """None if this is the first one, or `mode` has nothing now, as far as the history goes."""
    this = list(takewhile(lambda past: not past.leaves(mode), history))
    rest = history[len(this) :]
    without = list(takewhile(lambda past: past.leaves(mode), rest))
    if not this or len(without) == len(rest):
        return None
    return Earlier(ended=without[-1].changed_at, began=this[-1].changed_at)
