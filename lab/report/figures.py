"""Figures per order out of what was measured; pure."""

from collections.abc import Mapping, Sequence

import msgspec

from lab.load.summary import Summary
from lab.measure.meter import Costs
from lab.quantiles import measured, said
from lab.report.model import MODES, Mode, Step, Stretch, Timeline, Whereabouts

ROOT_SPAN = "saga order"
INFRASTRUCTURE = ("kafka", "postgres")


class StepRow(msgspec.Struct, frozen=True):
    mode: str
    step: str
    orders: int
    p50: float
    p95: float
    p99: float


class OpenRow(msgspec.Struct, frozen=True):
    mode: str
    seconds: float
    open: int


class Answer(msgspec.Struct, frozen=True):
    """One "where is order X": whether it was still under way, places asked, milliseconds."""

    under_way: bool
    places: int
    ms: float


def stretch(
    mode: str,
    loop: str,
    summary: Summary,
    costs: Costs,
    curve: Sequence[float],
    steps: Sequence[StepRow],
) -> Stretch:
    """Of a load that was wholly in `mode`."""
    share = summary.modes[mode]
    orders = share.orders
    cpu = {name: round(seconds * 1000 / orders, 3) for name, seconds in costs.cpu_seconds.items()}
    return Stretch(
        loop=loop,
        orders=orders,
        confirmed=share.confirmed,
        rejected=share.rejected,
        reasons=share.reasons,
        latency_ms=share.latency_ms,
        latency_curve_ms=[round(ms, 2) for ms in curve],
        reply_ms=summary.reply_ms,
        throughput_per_s=share.throughput_per_s,
        messages_per_order=round(costs.written.messages / orders, 2),
        bytes_per_order=round(costs.written.bytes / orders),
        offset_commits_per_order=round(costs.written.commits / orders, 2),
        transactions_per_order=round(costs.transactions / orders, 2),
        batches_per_order=round(costs.counted.total("bandstand_transactions_total") / orders, 2),
        spans_per_order=spans_per_order(costs),
        cpu_ms_per_order=round(sum(cpu.values()), 2) if _all_here(cpu) else None,
        cpu_ms_per_order_by_process=cpu,
        steps=[
            Step(row.step, said(row.orders, row.p50, row.p95, row.p99))
            for row in steps
            if row.mode == mode
        ],
    )


def spans_per_order(costs: Costs) -> float | None:
    """None where no saga was sampled. Spans of a saga that is sampled are all sampled."""
    spans = costs.counted.by("name", "bandstand_spans_total")
    roots = spans.get(ROOT_SPAN, 0.0)
    return round(sum(spans.values()) / roots, 1) if roots else None


def _all_here(cpu: Mapping[str, float]) -> bool:
    """A broker or database that runs elsewhere cannot be counted, so no total is claimed."""
    return all(name in cpu for name in INFRASTRUCTURE)


def mode_figures(steady: Stretch, burst: Stretch, whereabouts: Whereabouts) -> Mode:
    return Mode(
        orders=steady.orders + burst.orders,
        confirmed=steady.confirmed + burst.confirmed,
        rejected=steady.rejected + burst.rejected,
        latency_ms=steady.latency_ms,
        throughput_per_s=burst.throughput_per_s,
        messages_per_order=steady.messages_per_order,
        cpu_ms_per_order=burst.cpu_ms_per_order,
        steady=steady,
        burst=burst,
        whereabouts=whereabouts,
    )


def whereabouts(answers: Sequence[Answer]) -> Whereabouts:
    """Only of orders that were still under way: where an ended one is, is no question."""
    asked = [answer for answer in answers if answer.under_way]
    places = sum(answer.places for answer in asked) / len(asked) if asked else None
    return Whereabouts(
        asked=len(answers),
        under_way=len(asked),
        places=None if places is None else round(places, 1),
        ms=measured([answer.ms for answer in asked]),
    )


def timeline(rows: Sequence[OpenRow]) -> Timeline:
    of_mode = {mode: [row for row in rows if row.mode == mode] for mode in MODES}
    return Timeline(
        seconds=[round(row.seconds, 2) for row in of_mode[MODES[0]]],
        open={mode: [row.open for row in found] for mode, found in of_mode.items()},
    )
