"""What measured values mean: pure. Whoever measures hands in numbers, `judge` makes a verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from string import Template as Text

import msgspec
from msgspec.structs import replace

from coordination_operator.resources import Analysis, Metric, NoData, Who, length
from coordination_operator.status import AnalysisStatus, Measurement, Note, Verdict
from coordination_operator.templates import bounds_of, query_of, unit_of
from services.kit.message import Mode

_VERDICTS = {NoData.WAIT: Verdict.NO_DATA, NoData.FAIL: Verdict.FAIL, NoData.PASS: Verdict.PASS}


@dataclass(frozen=True)
class Sample:
    """One metric's values; None is no data. With an `error` nobody could be asked."""

    value: float | None = None
    stable: float | None = None
    error: str = ""


def promql(metric: Metric, mode: Mode, window: str, selector: str = "") -> str:
    """`selector` narrows the ready-made ones to one release, such as `namespace="shop"`."""
    narrower = f",{selector}" if selector else ""
    return Text(query_of(metric)).safe_substitute(mode=mode, window=window, selector=narrower)


def needs_stable(metric: Metric) -> bool:
    return bounds_of(metric)[1] is not None


def asked(metric: Metric) -> str:
    """A digest of all that a verdict depends on, but for the values."""
    question = (query_of(metric), bounds_of(metric), metric.no_data)
    return blake2b(msgspec.json.encode(question), digest_size=8).hexdigest()


def judge(
    metric: Metric, sample: Sample, target: Who, now: datetime, cut_short: bool = False
) -> Measurement:
    """The verdict on this one measurement, with the numbers in words. In a window that was cut
    short there may be no data yet, which is waited for, whatever else that counts as."""
    verdict, said = _judged(metric, sample, target, NoData.WAIT if cut_short else metric.no_data)
    said = f"{said} (dry run)" if metric.dry_run else said
    return Measurement(
        name=metric.name,
        verdict=verdict,
        message=f"{metric.name}: {said}",
        at=now,
        value=_shown(sample.value),
        stable=_shown(sample.stable) if _is_comparable(sample.stable) else None,
        asked=asked(metric),
        dry_run=metric.dry_run,
    )


def within(reach: timedelta | None, wanted: Analysis) -> Analysis:
    """A window that would cover an earlier switch is cut short: how that went says nothing here."""
    if reach is None or reach >= length(wanted.window):
        return wanted
    return replace(wanted, window=f"{max(1, int(reach.total_seconds()))}s")


def record(
    before: AnalysisStatus | None,
    epoch: int,
    now: datetime,
    found: Sequence[Measurement],
    clear_since: datetime | None = None,
) -> AnalysisStatus:
    """Counted within one epoch, and of one question: another is judged by its own answers alone."""
    metrics = before.metrics if before is not None and before.epoch == epoch else ()
    counted = tuple(_counted(answer_to(each.name, each.asked, metrics), each) for each in found)
    return AnalysisStatus(epoch=epoch, at=now, clear_since=clear_since, metrics=counted)


def answer_to(name: str, question: str, metrics: Sequence[Measurement]) -> Measurement | None:
    """One without a question counts as this one's: who upgraded the operator and forgot its CRD has
    an API server that drops the question."""
    return next(
        (each for each in metrics if each.name == name and each.asked in ("", question)), None
    )


def notes(
    before: AnalysisStatus | None, after: AnalysisStatus, held: bool = False
) -> tuple[Note, ...]:
    """What is worth an event: each failure that counts, or that a metric begins to be what it is.
    What is held has failed already, or its first failure says so."""
    known = {each.name: each for each in before.metrics} if before else {}
    return tuple(
        Note(REASONS[each.verdict], each.message, warning=True)
        for each in after.metrics
        if each.verdict in REASONS and _is_new(known.get(each.name), each, held)
    )


REASONS = {
    Verdict.FAIL: "MeasurementFailed",
    Verdict.NO_DATA: "Inconclusive",
    Verdict.ERROR: "PrometheusUnavailable",
}


def _is_new(before: Measurement | None, after: Measurement, held: bool) -> bool:
    counts = after.verdict is Verdict.FAIL and not (after.dry_run or held)
    return counts or before is None or before.verdict is not after.verdict


def _counted(before: Measurement | None, now: Measurement) -> Measurement:
    passes, failures = (before.passes, before.failures) if before else (0, 0)
    return replace(
        now,
        passes=passes + (now.verdict is Verdict.PASS),
        failures=failures + (now.verdict is Verdict.FAIL),
    )


def _judged(metric: Metric, sample: Sample, target: Who, no_data: NoData) -> tuple[Verdict, str]:
    if sample.error:
        return Verdict.ERROR, sample.error
    if not _is_there(sample.value):
        return _VERDICTS[no_data], f"no data of {target}"
    if needs_stable(metric) and not _is_comparable(sample.stable):
        return _VERDICTS[no_data], f"no data of {target.other} to compare with"
    return _within_bounds(metric, sample, target)


def _within_bounds(metric: Metric, sample: Sample, target: Who) -> tuple[Verdict, str]:
    assert sample.value is not None
    allowed, compare = bounds_of(metric)
    unit, held, words = unit_of(metric), True, []
    if allowed is not None and allowed.min is not None:
        held &= sample.value >= allowed.min
        words.append(f"at least {allowed.min:g}{_spaced(unit)} is needed")
    if allowed is not None and allowed.max is not None:
        held &= sample.value <= allowed.max
        words.append(f"at most {allowed.max:g}{_spaced(unit)} is allowed")
    if compare is not None and sample.stable is not None:
        most = sample.stable * compare.max_ratio + compare.tolerance
        held &= sample.value <= most
        there = f"{_shown(sample.stable)}{_spaced(unit)} in {target.other}"
        words.append(f"{there}, so at most {most:.3g}{_spaced(unit)} is allowed")
    said = f"{_shown(sample.value)}{_spaced(unit)} in {target}, {', and '.join(words)}"
    return (Verdict.PASS if held else Verdict.FAIL), said


def _is_there(value: float | None) -> bool:
    """Infinite is a value: errors per success when nothing succeeds."""
    return value is not None and not math.isnan(value)


def _is_comparable(value: float | None) -> bool:
    """Nothing is more than an infinite stable value, and everything would pass."""
    return value is not None and math.isfinite(value)


def _shown(value: float | None) -> str | None:
    """As Prometheus writes it."""
    if value is None or math.isnan(value):
        return None
    return f"{value:+.3g}".title() if math.isinf(value) else f"{value:.3g}"


def _spaced(unit: str) -> str:
    return f" {unit}" if unit else ""
