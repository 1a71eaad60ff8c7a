"""A trace in figures, and many traces in medians."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

import msgspec

from lab.traces.critical import Times, admission, critical_path, split
from lab.traces.span import Kind, Span
from lab.traces.tree import Tree


class Measured(msgspec.Struct, frozen=True):
    """`hops` are messages handled on the critical path, `depth` the most on any path, `fan_out`
    the most messages that one handling sent."""

    mode: str
    outcome: str
    spans: int
    orphans: int
    hops: int
    depth: int
    fan_out: int
    services: list[str]
    critical_path: list[str]
    total_ms: float
    time_ms: Times


class ModeSummary(msgspec.Struct, frozen=True):
    """Medians, but for `outcomes` and `orphans`, which are all there were, `services`, whoever took
    part, and `critical_path`, the most frequent one."""

    traces: int
    outcomes: dict[str, int]
    orphans: int
    spans: float
    hops: float
    depth: float
    fan_out: float
    services: list[str]
    critical_path: list[str]
    total_ms: float
    time_ms: Times


def measure(tree: Tree) -> Measured:
    path = critical_path(tree)
    spans = [span for _, span in tree.all()]
    times = split(path, admission(tree))
    return Measured(
        mode=tree.root.mode,
        outcome=tree.root.outcome,
        spans=len(spans),
        orphans=len(tree.orphans),
        hops=_handled(path),
        depth=_depth(tree),
        fan_out=max(_sent(tree, span) for span in spans),
        services=sorted({span.service for span in spans}),
        critical_path=[name(span) for span in path if span.kind is not Kind.SEND],
        total_ms=times.total,
        time_ms=times,
    )


def summarize(traces: Sequence[Measured]) -> dict[str, ModeSummary]:
    modes = sorted({trace.mode for trace in traces}, reverse=True)
    return {mode: _summary([each for each in traces if each.mode == mode]) for mode in modes}


def name(span: Span) -> str:
    if span.kind is Kind.TIMEOUT:
        return f"{span.service} timeout"
    return f"{span.service} {span.step}" if span.kind is Kind.PROCESS else span.name


def _summary(traces: Sequence[Measured]) -> ModeSummary:
    paths = Counter(tuple(each.critical_path) for each in traces)
    return ModeSummary(
        traces=len(traces),
        outcomes=dict(Counter(each.outcome for each in traces)),
        orphans=sum(each.orphans for each in traces),
        spans=median(each.spans for each in traces),
        hops=median(each.hops for each in traces),
        depth=median(each.depth for each in traces),
        fan_out=median(each.fan_out for each in traces),
        services=sorted({service for each in traces for service in each.services}),
        critical_path=list(paths.most_common(1)[0][0]),
        total_ms=_median_ms(each.total_ms for each in traces),
        time_ms=Times(
            work=_median_ms(each.time_ms.work for each in traces),
            queue=_median_ms(each.time_ms.queue for each in traces),
            broker=_median_ms(each.time_ms.broker for each in traces),
            database=_median_ms(each.time_ms.database for each in traces),
        ),
    )


def _median_ms(values: Iterable[float]) -> float:
    return round(median(values), 3)


def _handled(spans: Iterable[Span]) -> int:
    return sum(span.kind is Kind.PROCESS for span in spans)


def _sent(tree: Tree, span: Span) -> int:
    return sum(child.kind is Kind.SEND for child in tree.children.get(span.id, []))


def _depth(tree: Tree) -> int:
    """Parents come first in a walk, so their number is known when it is needed."""
    above, deepest = {tree.root.id: 0}, 0
    for _, span in tree.walk():
        for child in tree.children.get(span.id, []):
            above[child.id] = above[span.id] + (child.kind is Kind.PROCESS)
            deepest = max(deepest, above[child.id])
    return deepest
