"""What decided how long a saga took.

Each message is caused by the one that its sender had just handled, and at a join that is the one
that came last. So whoever closed the saga was caused, step by step, by what it had to wait for:
the critical path is its ancestors.
"""

from collections.abc import Sequence
from itertools import pairwise

import msgspec

from lab.traces.span import Kind, Span
from lab.traces.tree import Tree


class Times(msgspec.Struct, frozen=True):
    """Milliseconds. `work` is handling, its transaction included, up to what is sent next;
    `broker` from there until the broker has it, `queue` until somebody handles it. `database` is
    part of `work` for as long as services do not tell it apart."""

    work: float
    queue: float
    broker: float
    database: float | None = None


def critical_path(tree: Tree) -> list[Span]:
    """From the root to the handling in which the saga's own service closed it."""
    parents = {
        child.id: span for _, span in tree.walk() for child in tree.children.get(span.id, [])
    }
    path = [_closing(tree)]
    while path[-1].id in parents:
        path.append(parents[path[-1].id])
    return path[::-1]


def split(path: Sequence[Span]) -> Times:
    """The path's time from its beginning to its end, each moment in exactly one part."""
    clock = _Clock(path[0].start_us)
    for before, span in pairwise(path):
        if span.kind is Kind.SEND:
            clock.spend("work", span.start_us)
            continue
        if before.kind is Kind.SEND:
            clock.spend("broker", min(before.end_us, span.start_us))
        clock.spend("queue", span.start_us)
    clock.spend("broker" if path[-1].kind is Kind.SEND else "work", path[-1].end_us)
    return Times(**{part: us / 1000 for part, us in clock.spent.items()})


def _closing(tree: Tree) -> Span:
    root = tree.root
    handled = [span for _, span in tree.walk() if span.kind is Kind.PROCESS]
    before_the_end = [span for span in handled if span.start_us <= root.end_us]
    own = [span for span in before_the_end if span.service == root.service]
    return max(own or before_the_end or [root], key=lambda span: (span.start_us, span.id))


class _Clock:
    """Never runs backwards, however the clocks of two machines disagree."""

    def __init__(self, start_us: int) -> None:
        self._now_us = start_us
        self.spent = {"work": 0, "queue": 0, "broker": 0}

    def spend(self, part: str, until_us: int) -> None:
        self.spent[part] += max(until_us - self._now_us, 0)
        self._now_us = max(until_us, self._now_us)
