"""The report's first table, in the terminal."""

from collections.abc import Callable

from rich.table import Table

from lab.report.model import MODES, Mode, Policy, Report

UNKNOWN = "not known"
ROWS: tuple[tuple[str, Callable[[Mode], float | None], str], ...] = (
    ("orders", lambda mode: mode.orders, ",.0f"),
    ("confirmed", lambda mode: mode.confirmed, ",.0f"),
    ("rejected", lambda mode: mode.rejected, ",.0f"),
    ("latency p50, ms", lambda mode: mode.latency_ms.p50, ",.1f"),
    ("latency p95, ms", lambda mode: mode.latency_ms.p95, ",.1f"),
    ("latency p99, ms", lambda mode: mode.latency_ms.p99, ",.1f"),
    ("orders a second, at full tilt", lambda mode: mode.throughput_per_s, ",.0f"),
    ("CPU per order at full tilt, ms", lambda mode: mode.cpu_ms_per_order, ",.2f"),
    ("messages per order", lambda mode: mode.messages_per_order, ",.1f"),
    ("places to ask where an order is", lambda mode: mode.whereabouts.places, ",.1f"),
)
POLICY_ROWS: tuple[tuple[str, Callable[[Policy], float | None], str], ...] = (
    ("points that a rule change reaches", lambda policy: policy.points, ",.0f"),
    ("until the last enforces it, s", lambda policy: policy.skew_seconds, ",.3f"),
    ("orders that slipped through", lambda policy: policy.slipped, ",.0f"),
    ("bypasses prevented", lambda policy: policy.bypasses_prevented, ",.0f"),
    ("bypasses only detected", lambda policy: policy.bypasses_detected, ",.0f"),
)


def side_by_side(report: Report) -> Table:
    modes = [mode for mode in MODES if mode in report.modes]
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for mode in modes:
        table.add_column(mode, justify="right")
    for label, read, form in ROWS:
        table.add_row(label, *(_cell(read(report.modes[mode]), form) for mode in modes))
    for label, told, form in POLICY_ROWS if report.policy else ():
        table.add_row(label, *(_cell(told(report.policy[mode]), form) for mode in modes))
    return table


def _cell(value: float | None, form: str) -> str:
    return UNKNOWN if value is None else format(value, form)
