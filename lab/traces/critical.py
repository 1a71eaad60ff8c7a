"""What decided how long a saga took.

Each message is caused by the one that its sender had just handled, and at a join that is the one
that came last. So whoever ended the saga was caused, step by step, by what it had to wait for:
the critical path is its ancestors.
"""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from lab.traces.span import Kind, Span
from lab.traces.tree import Tree
from services.messages import OrderConfirmed, OrderRejected

ENDS = (OrderConfirmed.__name__, OrderRejected.__name__)


class Times(msgspec.Struct, frozen=True):
    """Milliseconds. From a message's handling until the next is sent: `database` while the handler
    waited for the database's answers, `work` the rest of it. `broker` from there until the broker
    has acknowledged it, `queue` until somebody handles it, or until a deadline passes."""

    work: float
    queue: float
    broker: float
    database: float = 0.0

    @property
    def total(self) -> float:
        return self.work + self.queue + self.broker + self.database


def critical_path(tree: Tree) -> list[Span]:
    """From the root to the handling in which the saga's own service ended it."""
    parents = {
        child.id: span for _, span in tree.walk() for child in tree.children.get(span.id, [])
    }
    path = [_ending(tree)]
    while path[-1].id in parents:
        path.append(parents[path[-1].id])
    return path[::-1]


def split(path: Sequence[Span], admission: Span | None = None) -> Times:
    """The path's time from its beginning to its end, each moment in exactly one part. What the
    root itself did is told by its child `admission`."""
    clock = _Clock(path[0].start_us)
    for before, span in pairwise(path):
        if span.kind is Kind.SEND:
            clock.work(span.start_us, admission if before.kind is Kind.SAGA else before)
            continue
        if before.kind is Kind.SEND:
            clock.spend("broker", min(before.end_us, span.start_us))
        clock.spend("queue", span.start_us)
    last = path[-1]
    if last.kind is Kind.SEND:
        clock.spend("broker", last.end_us)
    else:
        clock.work(last.end_us, last)
    return Times(**{part: us / 1000 for part, us in clock.spent.items()})


def admission(tree: Tree) -> Span | None:
    below = tree.children.get(tree.root.id, [])
    return next((span for span in below if span.kind is Kind.ADMIT), None)


def _ending(tree: Tree) -> Span:
    """The first one, as an order may be rejected again; in a trace without an end, the last that
    is there."""
    root = tree.root
    handled = [span for _, span in tree.walk() if span.kind is Kind.PROCESS]
    before_the_end = [span for span in handled if span.start_us <= root.end_us]
    own = [span for span in before_the_end if span.service == root.service]
    if ends := [span for span in own if span.tags.get("saga.result") in ENDS]:
        return min(ends, key=_beginning)
    return max(own or before_the_end or [root], key=_beginning)


def _beginning(span: Span) -> tuple[int, str]:
    return span.start_us, span.id


class _Clock:
    """Never runs backwards, however the clocks of two machines disagree."""

    def __init__(self, start_us: int) -> None:
        self._now_us = start_us
        self.spent = {"work": 0, "queue": 0, "broker": 0, "database": 0}

    def spend(self, part: str, until_us: int) -> int:
        us = max(until_us - self._now_us, 0)
        self.spent[part] += us
        self._now_us = max(until_us, self._now_us)
        return us

    def work(self, until_us: int, span: Span | None) -> None:
        """Of which the span says how much was waiting for the database."""
        waited = min(span.database_us if span else 0, self.spend("work", until_us))
        self.spent["work"] -= waited
        self.spent["database"] += waited
