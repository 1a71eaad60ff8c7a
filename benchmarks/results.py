"""What was measured, as data: medians and ranges over runs, ratios, targets; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from statistics import median

import msgspec

from lab.quantiles import Quantiles

PERCENTILES = ("p50", "p95", "p99")


class Range(msgspec.Struct, frozen=True):
    median: float
    low: float
    high: float


class Stretch(msgspec.Struct, frozen=True):
    """One run under one load. CPU is in seconds per 1,000 sagas, by process."""

    orders: int
    sagas_per_s: float
    cpu: dict[str, float]
    latency_ms: Quantiles
    messages_per_saga: float
    transactions_per_saga: float
    rss_mib: dict[str, float]

    @property
    def cpu_seconds_per_1000(self) -> float:
        return sum(self.cpu.values())


class Run(msgspec.Struct, frozen=True):
    saturated: Stretch
    steady: Stretch


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """One system; every figure is the median of its runs, `ranges` their extremes. `load_before`
    is the machine's load average before it was started: what else was going on."""

    system: str
    cpu_seconds_per_1000: float
    sagas_per_s: float
    latency_ms_at_20: dict[str, float]
    runs: int
    ranges: dict[str, Range]
    cpu_by_process: dict[str, float]
    cpu_seconds_per_1000_at_20: float
    rss_mib: dict[str, float]
    messages_per_saga: float
    transactions_per_saga: float
    measured_at: datetime
    load_before: float | None = None
    batched: Batched | None = None
    idle: Idle | None = None


class Batched(msgspec.Struct, frozen=True):
    """The same transactions, each for a hundred sagas."""

    cpu_seconds_per_1000: float
    sagas_per_s: float


class Idle(msgspec.Struct, frozen=True):
    """Without any order: CPU of everything in percent of one core."""

    cpu_percent: float
    by_process: dict[str, float]


class Growth(msgspec.Struct, frozen=True):
    """One system's cost with few and with `finished` sagas in the database."""

    system: str
    finished: int
    before: Range
    after: Range
    sagas_per_s_before: float
    sagas_per_s_after: float

    @property
    def percent(self) -> float:
        return round((self.after.median / self.before.median - 1) * 100, 1)


class Machine(msgspec.Struct, frozen=True):
    cores: int
    memory_gib: float
    system: str
    versions: dict[str, str]


class Document(msgspec.Struct, frozen=True):
    """`out/bench.json`."""

    results: list[Result] = []
    growth: list[Growth] = []
    machine: Machine | None = None

    def of(self, system: str) -> Result | None:
        return next((each for each in self.results if each.system == system), None)

    def with_result(self, result: Result, order: Sequence[str]) -> Document:
        others = [each for each in self.results if each.system != result.system]
        ranked = sorted([*others, result], key=lambda each: order.index(each.system))
        return msgspec.structs.replace(self, results=ranked)


class Target(msgspec.Struct, frozen=True):
    """`found` in `unit`; None where it was not measured."""

    what: str
    limit: float
    found: float | None
    unit: str
    at_least: bool = False

    @property
    def held(self) -> bool | None:
        if self.found is None:
            return None
        return self.found >= self.limit if self.at_least else self.found <= self.limit


def spread(values: Iterable[float], digits: int = 2) -> Range:
    found = sorted(values)
    return Range(*(round(value, digits) for value in (median(found), found[0], found[-1])))


def medians(figures: Sequence[Mapping[str, float]], digits: int = 2) -> dict[str, float]:
    """Of each name; what a run did not have counts as nought."""
    names = sorted({name for each in figures for name in each})
    return {name: round(median(each.get(name, 0.0) for each in figures), digits) for name in names}


def quantile(runs: Sequence[Run], name: str) -> Range | None:
    """None where no run had sagas enough for it."""
    values = [getattr(run.steady.latency_ms, name) for run in runs]
    known = [value for value in values if value is not None]
    return spread(known, 1) if known else None


def result(
    system: str,
    runs: Sequence[Run],
    at: datetime,
    idle: Idle | None = None,
    batched: Sequence[Stretch] = (),
) -> Result:
    saturated = [run.saturated for run in runs]
    cpu = spread(each.cpu_seconds_per_1000 for each in saturated)
    rate = spread((each.sagas_per_s for each in saturated), 1)
    latency = {name: found for name in PERCENTILES if (found := quantile(runs, name))}
    return Result(
        system=system,
        cpu_seconds_per_1000=cpu.median,
        sagas_per_s=rate.median,
        latency_ms_at_20={name: found.median for name, found in latency.items()},
        runs=len(runs),
        ranges={"cpu_seconds_per_1000": cpu, "sagas_per_s": rate, **latency},
        cpu_by_process=medians([each.cpu for each in saturated]),
        cpu_seconds_per_1000_at_20=spread(r.steady.cpu_seconds_per_1000 for r in runs).median,
        rss_mib=medians([each.rss_mib for each in saturated], 0),
        messages_per_saga=spread(r.steady.messages_per_saga for r in runs).median,
        transactions_per_saga=spread(e.transactions_per_saga for e in saturated).median,
        measured_at=at,
        idle=idle,
        batched=_batched(batched) if batched else None,
    )


def _batched(found: Sequence[Stretch]) -> Batched:
    return Batched(
        spread(each.cpu_seconds_per_1000 for each in found).median,
        spread((each.sagas_per_s for each in found), 1).median,
    )


def ratios(document: Document, own: str, others: Sequence[str]) -> dict[str, float]:
    """How many times as much CPU each of the others takes for a saga."""
    base = document.of(own)
    found = {name: document.of(name) for name in others}
    if base is None:
        return {}
    return {
        name: round(each.cpu_seconds_per_1000 / base.cpu_seconds_per_1000, 1)
        for name, each in found.items()
        if each
    }
