"""A soak as tables: what happened minute by minute, and what grew."""

from collections.abc import Sequence

from rich.table import Table

from lab.load.tables import figure
from lab.soak.results import Minute, Soak
from lab.soak.trend import ProcessTrend, Trend


def minutes(soak: Soak) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    modes = list(soak.latency_ms)
    for label in ("minute", "orders", *(f"{mode} p50 / p99 ms" for mode in modes)):
        table.add_column(label, justify="right")
    table.add_column("killed")
    table.add_column("faults")
    for each in soak.minutes:
        latencies = [_latency(each, mode) for mode in modes]
        faults = ", ".join(each.faults) or "none"
        orders = f"{each.load.accepted:,}"
        table.add_row(str(each.minute), orders, *latencies, each.killed, faults)
    slopes = [slope(soak.latency_ms[mode], "ms") for mode in modes]
    table.add_row("slope", "", *slopes, "", "", style="dim")
    return table


def memory(processes: Sequence[ProcessTrend]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("process")
    for label in ("lives", "watched s", "first MiB", "last MiB", "slope"):
        table.add_column(label, justify="right")
    for each in processes:
        watched, mib = f"{each.seconds:,.0f}", each.mib
        values = figure(mib.first), figure(mib.last), slope(mib, "MiB")
        table.add_row(each.process, str(each.lives), watched, *values)
    return table


def slope(trend: Trend, unit: str) -> str:
    return "too short" if trend.per_minute is None else f"{trend.per_minute:+.2f} {unit}/min"


def _latency(minute: Minute, mode: str) -> str:
    found = minute.load.modes.get(mode)
    if found is None:
        return ""
    return f"{figure(found.latency_ms.p50)} / {figure(found.latency_ms.p99)}"
