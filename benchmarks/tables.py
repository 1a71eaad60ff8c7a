"""The results as rows of text, for the terminal and for `RESULTS.md`; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from benchmarks.results import Document, Growth, Range, Result, Target, ratios
from benchmarks.systems import SYSTEMS

NOT_MEASURED = "not measured"
HELD = {True: "held", False: "missed", None: NOT_MEASURED}


@dataclass(frozen=True)
class Rows:
    """The first column is text, the others are figures."""

    head: Sequence[str]
    body: Sequence[Sequence[str]]


def systems(document: Document) -> Rows:
    head = ("", "sagas/s", "CPU-s per 1,000", "p50 ms", "p95 ms", "p99 ms", "MiB")
    return Rows((*head, "messages", "transactions"), [_system(each) for each in document.results])


def cheaper(document: Document) -> Rows:
    """How many times the CPU of each mode the others take."""
    names = [system.name for system in SYSTEMS]
    modes = [system.name for system in SYSTEMS if system.mode]
    found = {mode: ratios(document, mode, names) for mode in modes}
    body = [
        (name, *(f"{found[mode][name]:.1f}" if name in found[mode] else "" for mode in modes))
        for name in names
        if document.of(name)
    ]
    return Rows(("CPU for a saga, times that of", *modes), body)


def processes(result: Result) -> Rows:
    body = [
        (name, f"{cpu:.2f}", f"{result.rss_mib.get(name, 0):,.0f}")
        for name, cpu in sorted(result.cpu_by_process.items(), key=lambda each: -each[1])
    ]
    return Rows((result.system, "CPU-s per 1,000", "MiB"), body)


def growth(found: Sequence[Growth]) -> Rows:
    head = ("", "finished sagas", "CPU-s before", "after", "change", "sagas/s before", "after")
    return Rows(head, [_growth(each) for each in found])


def targets(found: Sequence[Target]) -> Rows:
    return Rows(("target", "limit", "found", ""), [_target(each) for each in found])


def rich(rows: Rows) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for number, title in enumerate(rows.head):
        table.add_column(title, justify="right" if number else "left")
    for cells in rows.body:
        table.add_row(*cells)
    return table


def markdown(rows: Rows) -> str:
    lines = (rows.head, ["---", *("---:" for _ in rows.head[1:])], *rows.body)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def ranged(found: Range | None, digits: int = 1) -> str:
    if found is None:
        return "too few"
    middle, low, high = (f"{value:,.{digits}f}" for value in (found.median, found.low, found.high))
    return middle if low == high else f"{middle} ({low}–{high})"


def _system(result: Result) -> tuple[str, ...]:
    ranges = result.ranges
    return (
        result.system,
        ranged(ranges["sagas_per_s"], 0),
        ranged(ranges["cpu_seconds_per_1000"], 2),
        *(ranged(ranges.get(name), 0) for name in ("p50", "p95", "p99")),
        f"{sum(result.rss_mib.values()):,.0f}",
        f"{result.messages_per_saga:.1f}",
        f"{result.transactions_per_saga:.1f}",
    )


def _growth(found: Growth) -> tuple[str, ...]:
    return (
        found.system,
        f"{found.finished:,}",
        ranged(found.before, 2),
        ranged(found.after, 2),
        f"{found.percent:+.1f} %",
        f"{found.sagas_per_s_before:,.0f}",
        f"{found.sagas_per_s_after:,.0f}",
    )


def _target(target: Target) -> tuple[str, ...]:
    sign = "≥" if target.at_least else "≤"
    found = "" if target.found is None else f"{target.found:,.1f} {target.unit}".strip()
    limit = f"{sign} {target.limit:g} {target.unit}".strip()
    return target.what, limit, found, HELD[target.held]
