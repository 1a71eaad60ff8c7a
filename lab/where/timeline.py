"""One order's story, line by line: what happened, and who decided that it should; pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from lab.where.inquiry import Inquiry
from lab.where.score import Cue
from lab.where.views import Fact, LogEntry
from services.kit.message import Mode

CUSTOMER = ("OrderPlaced", "OrderCancelRequested")
HEARD = ("done", "refused", "undone")  # the facts say so themselves
HELD = "StepHeld"
WORDS = {"sent": "sends", "Started": "OrderPlaced"}


class Line(msgspec.Struct, frozen=True):
    """`ms` since the order was placed."""

    ms: float
    who: str
    what: str
    why: str


def story(found: Inquiry, cues: Sequence[Cue]) -> list[Line]:
    """In orchestration the orchestrator's log says why; in choreography the players' reactions
    have to be known, and the facts be matched with them."""
    order = found.order
    conducted = order.mode is Mode.ORCHESTRATION
    lines = [
        _line(order.placed_at, fact.at, fact.source, _named(fact), "")
        if conducted
        else _line(order.placed_at, fact.at, fact.source, _named(fact), _cue(fact, before, cues))
        for fact, before in _with_earlier(order.timeline)
    ]
    if conducted and found.saga:
        log = found.saga.log
        lines += [_decision(order.placed_at, each) for each in log if each.entry not in HEARD]
    return sorted(lines, key=lambda line: line.ms)


def _with_earlier(timeline: Sequence[Fact]) -> list[tuple[Fact, list[str]]]:
    kinds = [fact.type for fact in timeline]
    return [(fact, kinds[:position]) for position, fact in enumerate(timeline)]


def _cue(fact: Fact, before: Sequence[str], cues: Sequence[Cue]) -> str:
    """The first rule of its player that could have led to it."""
    if fact.type in CUSTOMER:
        return "the customer"
    if fact.type == HELD:
        return "a rule"
    for cue in cues:
        if cue.player == fact.source and fact.type in cue.events:
            heard = cue.heard(before)
            if heard is not None:
                return f"heard {' and '.join(heard)}: {cue.command}"
    return "nobody's known reaction"


def _decision(placed_at: datetime, entry: LogEntry) -> Line:
    again = f", attempt {entry.attempt}" if entry.attempt > 1 else ""
    what = f"{WORDS.get(entry.entry, entry.entry)} {entry.step}{again}"
    heard = WORDS.get(entry.heard, entry.heard)
    return _line(placed_at, entry.at, "orchestrator", what, f"heard {heard}")


def _named(fact: Fact) -> str:
    return fact.type if fact.attempt == 1 else f"{fact.type}, attempt {fact.attempt}"


def _line(placed_at: datetime, at: datetime, who: str, what: str, why: str) -> Line:
    return Line(round((at - placed_at) / timedelta(milliseconds=1), 1), who, what, why)
