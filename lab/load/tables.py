"""A load's summary as a table, one column for each mode."""

from collections.abc import Iterator, Sequence

from rich.table import Table

from lab.load.summary import ModeSummary, Summary
from lab.output import out

TOO_FEW = "too few"


def show(summary: Summary) -> None:
    if summary.modes:
        out.print(outcomes(summary.modes))
    reply = summary.reply_ms
    out.print(
        f"{summary.accepted} of {summary.planned} orders accepted"
        + (f", {summary.turned_away} turned away" if summary.turned_away else "")
        + (f", {summary.repeated} only after repeated requests" if summary.repeated else "")
        + f". Replies: p50 {figure(reply.p50)}, p99 {figure(reply.p99)} ms."
    )


def outcomes(modes: dict[str, ModeSummary]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for mode in modes:
        table.add_column(mode, justify="right")
    for label, *cells in _rows(list(modes.values())):
        table.add_row(label, *cells)
    return table


def figure(value: float | None) -> str:
    return TOO_FEW if value is None else f"{value:,.1f}"


def _rows(modes: Sequence[ModeSummary]) -> Iterator[tuple[str, ...]]:
    yield "orders", *(f"{mode.orders:,}" for mode in modes)
    yield "confirmed", *(f"{mode.confirmed:,}" for mode in modes)
    yield "rejected", *(f"{mode.rejected:,}" for mode in modes)
    for reason in sorted({reason for mode in modes for reason in mode.reasons}):
        yield f"  {reason}", *(f"{mode.reasons.get(reason, 0):,}" for mode in modes)
    if any(mode.open for mode in modes):
        yield "still open", *(f"{mode.open:,}" for mode in modes)
    for name in ("p50", "p95", "p99"):
        yield f"latency {name}, ms", *(figure(getattr(mode.latency_ms, name)) for mode in modes)
    yield "ended per second", *(figure(mode.throughput_per_s) for mode in modes)
