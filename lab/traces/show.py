"""A trace as a waterfall for the terminal, and two modes side by side."""

from collections.abc import Iterator, Mapping

from rich.markup import escape
from rich.table import Table

from lab.traces.critical import critical_path
from lab.traces.measure import ModeSummary, name
from lab.traces.span import Kind, Span
from lab.traces.tree import Tree

BAR = 24


def waterfall(tree: Tree) -> Table:
    """What decided how long it took is bold; an orphan says that it is one."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("ms", "took"):
        table.add_column(title, justify="right")
    for title in ("who", "what", ""):
        table.add_column(title, no_wrap=True)
    critical = {span.id for span in critical_path(tree)}
    orphans = {span.id for span in tree.orphans}
    end_us = max(span.end_us for _, span in tree.all())
    for depth, span in tree.all():
        what = " " * depth + escape(_what(span)) + (" (orphan)" if span.id in orphans else "")
        table.add_row(
            f"{(span.start_us - tree.root.start_us) / 1000:,.1f}",
            f"{(span.end_us - span.start_us) / 1000:,.1f}",
            span.service,
            what,
            _bar(span, tree.root.start_us, end_us),
            style="bold" if span.id in critical else "",
        )
    return table


def side_by_side(modes: Mapping[str, ModeSummary]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("median of a saga")
    for mode in modes:
        table.add_column(mode, justify="right")
    for title, figures in _rows(list(modes.values())):
        table.add_row(title, *figures)
    return table


def paths(modes: Mapping[str, ModeSummary]) -> Table:
    """The most frequent critical path of each mode, hop by hop."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("hop", justify="right")
    for mode in modes:
        table.add_column(mode)
    found = [summary.critical_path for summary in modes.values()]
    for hop in range(max(map(len, found))):
        table.add_row(str(hop), *(path[hop] if hop < len(path) else "" for path in found))
    return table


def _rows(summaries: list[ModeSummary]) -> list[tuple[str, list[str]]]:
    outcomes = dict.fromkeys(outcome for each in summaries for outcome in each.outcomes)
    return [
        ("traces", [str(each.traces) for each in summaries]),
        *(
            (f"  {outcome}", [str(each.outcomes.get(outcome, 0)) for each in summaries])
            for outcome in outcomes
        ),
        ("orphans, in all", [str(each.orphans) for each in summaries]),
        ("spans", [f"{each.spans:g}" for each in summaries]),
        ("hops on the critical path", [f"{each.hops:g}" for each in summaries]),
        ("longest chain of hops", [f"{each.depth:g}" for each in summaries]),
        ("largest fan-out", [f"{each.fan_out:g}" for each in summaries]),
        ("services", [str(len(each.services)) for each in summaries]),
        ("critical path, ms", [f"{each.total_ms:.1f}" for each in summaries]),
        ("  at work", [f"{each.time_ms.work:.1f}" for each in summaries]),
        ("  waiting for the database", [f"{each.time_ms.database:.1f}" for each in summaries]),
        ("  on the way to the broker", [f"{each.time_ms.broker:.1f}" for each in summaries]),
        ("  waiting for a reader", [f"{each.time_ms.queue:.1f}" for each in summaries]),
    ]


def _what(span: Span) -> str:
    if span.kind is Kind.SAGA:
        return f"{span.name} {span.outcome} {span.tags.get('saga.reason', '')}".strip()
    what = name(span) if span.kind is Kind.OTHER else f"{span.kind} {span.step}"
    return " ".join([what, *marks(span)])


def marks(span: Span) -> Iterator[str]:
    """What went otherwise than hoped."""
    if span.tags.get("saga.rejected"):
        yield f"✗ {span.tags['saga.result']} ({span.tags['saga.reason']})"
    if "saga.put_off" in span.tags:
        yield f"↻ {span.tags['saga.put_off']}"
    elif "error" in span.tags:
        yield f"! {span.tags['error']}"
    if span.tags.get("saga.resumed"):
        yield "(told by the next life of a killed process)"


def _bar(span: Span, start_us: int, end_us: int) -> str:
    scale = BAR / max(end_us - start_us, 1)
    begin = min(int(max(span.start_us - start_us, 0) * scale), BAR - 1)
    length = max(int((span.end_us - span.start_us) * scale), 1)
    return " " * begin + "━" * min(length, BAR - begin)
