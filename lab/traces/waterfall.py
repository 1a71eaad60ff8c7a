"""A tree as rows for a page: a row is a message on its way and its handling, on a time axis."""

from collections.abc import Iterator, Sequence

import msgspec

from lab.traces.critical import Times, critical_path
from lab.traces.measure import Measured, measure
from lab.traces.show import marks
from lab.traces.span import Kind, Span
from lab.traces.tree import Tree


class Stretch(msgspec.Struct, frozen=True):
    """`part` is what the time went into; milliseconds from the saga's beginning."""

    part: str
    start: float
    end: float


class Row(msgspec.Struct, frozen=True):
    who: str
    what: str
    depth: int
    stretches: list[Stretch]
    critical: bool = False
    backward: bool = False
    mark: str = ""


class Waterfall(msgspec.Struct, frozen=True):
    mode: str
    saga: str
    trace: str
    outcome: str
    found: Measured
    rows: list[Row]
    page: str | None = None

    @property
    def end_ms(self) -> float:
        ends = (stretch.end for row in self.rows for stretch in row.stretches)
        return max(self.found.total_ms, *ends)

    @property
    def times(self) -> Times:
        return self.found.time_ms


def waterfall(tree: Tree, page: str | None = None) -> Waterfall:
    tags = tree.root.tags
    outcome = " ".join(filter(None, (tags.get("saga.outcome"), tags.get("saga.reason"))))
    return Waterfall(
        mode=tree.root.mode,
        saga=tags.get("saga.id", ""),
        trace=tree.root.trace,
        outcome=outcome,
        found=measure(tree),
        rows=list(_rows(tree)),
        page=page,
    )


def _rows(tree: Tree) -> Iterator[Row]:
    """In the order in which things began; a message that several handle is a row for each."""
    critical = {span.id for span in critical_path(tree)}
    parents = {child.id: span for _, span in tree.all() for child in tree.children.get(span.id, ())}
    handled = {span.parent for _, span in tree.all() if span.kind is Kind.PROCESS}
    found = []
    for depth, span in tree.all():
        if span.kind is Kind.SAGA or (span.kind is Kind.SEND and span.id in handled):
            continue
        sent = parents.get(span.id) if span.kind is Kind.PROCESS else None
        spans = [each for each in (sent, span) if each is not None]
        found.append((spans[0].start_us, depth, spans))
    for _, depth, spans in sorted(found, key=lambda row: row[0]):
        yield _row(tree, depth, spans, critical)


def _row(tree: Tree, depth: int, spans: Sequence[Span], critical: set[str]) -> Row:
    span = spans[-1]
    return Row(
        who=span.service,
        what=_what(span),
        depth=depth // 2,
        stretches=[
            Stretch(part, (start - tree.root.start_us) / 1000, (end - tree.root.start_us) / 1000)
            for part, start, end in _parts(spans)
        ],
        critical=span.id in critical,
        backward=span.tags.get("saga.direction") == "backward",
        mark=" ".join(marks(span)),
    )


def _what(span: Span) -> str:
    return {Kind.ADMIT: "admits the order", Kind.TIMEOUT: f"times out: {span.step}"}.get(
        span.kind, span.step if span.kind is Kind.PROCESS else f"tells {span.step}"
    )


def _parts(spans: Sequence[Span]) -> Iterator[tuple[str, int, int]]:
    """The database's share is drawn first in a handling: how long is known, not when."""
    *before, span = spans
    for sent in before:
        yield "broker", sent.start_us, min(sent.end_us, span.start_us)
        if span.start_us > sent.end_us:
            yield "queue", sent.end_us, span.start_us
    if span.kind is Kind.SEND:
        yield "broker", span.start_us, span.end_us
        return
    middle = span.start_us + span.database_us
    if span.database_us:
        yield "database", span.start_us, middle
    yield "work", middle, span.end_us
