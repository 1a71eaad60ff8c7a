"""The report's first table, in the terminal."""

from collections.abc import Callable

from rich.table import Table

from lab.report.model import MODES, Mode, Policy, Report
from lab.report.monitoring import VARIANTS, Answers, Monitoring, Watched

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


def _unasked(policy: Policy) -> float | None:
    found = policy.misbehaviour.get("unasked")
    return found.detected if found else None


def _undetected(policy: Policy) -> float:
    return sum(each.undetected for each in policy.misbehaviour.values())


POLICY_ROWS: tuple[tuple[str, Callable[[Policy], float | None], str], ...] = (
    ("points that a rule change reaches", lambda policy: policy.points, ",.0f"),
    ("until the last enforces it, s", lambda policy: policy.skew_seconds, ",.3f"),
    ("orders that slipped through", lambda policy: policy.slipped, ",.0f"),
    ("bypasses prevented", lambda policy: policy.bypasses_prevented, ",.0f"),
    ("bypasses only detected", lambda policy: policy.bypasses_detected, ",.0f"),
    ("  of these, acts that nobody asked for", _unasked, ",.0f"),
    ("bypasses that nobody noticed", _undetected, ",.0f"),
    ("services with more to hear for one fact", lambda policy: len(policy.fact_listeners), ",.0f"),
)


def _named(watched: Watched) -> str:
    """The order service names no more than the whole order."""
    return ", ".join(name for name in watched.said if name != "order") or "nothing"


def _word(word: Answers | None, read: Callable[[Answers], str]) -> str:
    return read(word) if word else "nobody"


def _figure(value: float | None, form: str) -> str:
    """Nothing, where there is nobody to measure."""
    return "" if value is None else format(value, form)


WATCHED_ROWS: tuple[tuple[str, Callable[[Watched], str]], ...] = (
    ("noticed a stalled saga after, s", lambda each: _seconds(each.noticed_ms.p50)),
    ("and named", _named),
    ("places to ask where an order is", lambda each: f"{each.places:g}"),
    ("  time to that answer, ms", lambda each: _cell(each.answer_ms.p50, ",.1f")),
    ("  and who decides or tracks it", lambda each: _word(each.word, lambda it: f"{it.places:g}")),
    ("  time to that word, ms", lambda each: _word(each.word, lambda it: _cell(it.ms.p50, ",.1f"))),
    ("open sagas known in one place", lambda each: f"{each.known_share:.0%}"),
    ("  with everybody's last word", lambda each: f"{each.current_share:.0%}"),
    ("  which it hears late, p95, ms", lambda each: _cell(each.lag_ms.p95, ",.0f")),
    ("queries to see what is missing", lambda each: f"{each.queries}"),
    ("time series to keep", lambda each: f"{each.series:,}"),
    ("bytes of spans per order", lambda each: _cell(each.span_bytes_per_order, ",.0f")),
    ("CPU of who knows, ms per order", lambda each: _figure(each.knower_cpu_ms_per_order, ",.2f")),
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


def in_words(watched: Watched) -> str:
    """One variant's answer to who noticed, and what they knew."""
    ms = watched.noticed_ms.p50
    soon = "nobody noticed" if ms is None else f"noticed after {ms / 1000:.1f} s"
    knows = "somebody to ask why" if watched.word else "nobody who decides or tracks it"
    return f"{soon}, naming {_named(watched)}; {knows}"


def watched_side_by_side(monitoring: Monitoring) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("")
    for heading in ("choreography", "with a tracker", "orchestration"):
        table.add_column(heading, justify="right", no_wrap=True)
    for label, read in WATCHED_ROWS:
        table.add_row(label, *(read(monitoring.variants[variant]) for variant in VARIANTS))
    scattered = monitoring.scattered
    table.add_row("places, without a timeline", f"{scattered.places:g}")
    table.add_row("  time to that answer, ms", _cell(scattered.ms.p50, ",.1f"))
    return table


def _seconds(ms: float | None) -> str:
    return UNKNOWN if ms is None else f"{ms / 1000:,.1f}"


def _cell(value: float | None, form: str) -> str:
    return UNKNOWN if value is None else format(value, form)
