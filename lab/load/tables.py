"""A load's summary as a table, one column for each mode."""

from collections.abc import Callable, Iterable

from rich.table import Table

from lab.load.summary import ModeSummary, Summary
from lab.output import out
from lab.quantiles import Quantiles

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
    for label, read in _rows(modes.values()):
        table.add_row(label, *(read(each) for each in modes.values()))
    return table


def figure(value: float | None) -> str:
    return TOO_FEW if value is None else f"{value:,.1f}"


def _rows(modes: Iterable[ModeSummary]) -> Iterable[tuple[str, Callable[[ModeSummary], str]]]:
    yield "orders", lambda mode: f"{mode.orders:,}"
    yield "confirmed", lambda mode: f"{mode.confirmed:,}"
    yield "rejected", lambda mode: f"{mode.rejected:,}"
    for reason in sorted({reason for mode in modes for reason in mode.reasons}):
        yield f"  {reason}", lambda mode, reason=reason: f"{mode.reasons.get(reason, 0):,}"  # type: ignore[misc]
    for name in ("p50", "p95", "p99"):
        yield f"latency {name}, ms", lambda mode, name=name: _of(mode.latency_ms, name)  # type: ignore[misc]
    yield "ended per second", lambda mode: figure(mode.throughput_per_s)


def _of(quantiles: Quantiles, name: str) -> str:
    return figure(getattr(quantiles, name))
