"""The issue's targets, each held against what was found; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.results import Document, Target, ratios
from benchmarks.systems import OWN, PEERS

SAGAS_PER_S = 700.0
RATIO = 6.0
GROWTH_PERCENT = 10.0
IDLE_PERCENT = 10.0
PROCESS_MIB = 120.0
SERVERS = ("kafka", "postgres")


@dataclass(frozen=True)
class Limits:
    """CPU-seconds for 1,000 sagas; p50 and p99 in ms at 20 sagas a second."""

    cpu: float
    p50: float
    p99: float


LIMITS = {
    "bandstand-orchestration": Limits(cpu=2.5, p50=35.0, p99=60.0),
    "bandstand-choreography": Limits(cpu=2.0, p50=20.0, p99=40.0),
}


def targets(document: Document) -> list[Target]:
    return [target for name in OWN for target in _of(document, name)]


def _of(document: Document, name: str) -> Iterator[Target]:
    limits, found, mode = LIMITS[name], document.of(name), name.partition("-")[2]
    cpu = found.cpu_seconds_per_1000 if found else None
    rate = found.sagas_per_s if found else None
    latency = found.latency_ms_at_20 if found else {}
    yield Target(f"{mode}: CPU for 1,000 sagas", limits.cpu, cpu, "s")
    yield Target(f"{mode}: completed sagas", SAGAS_PER_S, rate, "/s", at_least=True)
    yield Target(f"{mode}: p50 at 20/s", limits.p50, latency.get("p50"), "ms")
    yield Target(f"{mode}: p99 at 20/s", limits.p99, latency.get("p99"), "ms")
    compared = ratios(document, name, PEERS)
    for peer in PEERS:
        what = f"{mode}: times cheaper than {peer}"
        yield Target(what, RATIO, compared.get(peer), "", at_least=True)
    growth = next((each.percent for each in document.growth if each.system == name), None)
    yield Target(f"{mode}: growth with finished sagas", GROWTH_PERCENT, growth, "%")
    idle = found.idle.cpu_percent if found and found.idle else None
    yield Target(f"{mode}: CPU of the idle stack, of a core", IDLE_PERCENT, idle, "%")
    memory = _largest_process(found.rss_mib if found else {})
    yield Target(f"{mode}: the largest Python process", PROCESS_MIB, memory, "MiB")


def _largest_process(rss_mib: dict[str, float]) -> float | None:
    return max((mib for name, mib in rss_mib.items() if name not in SERVERS), default=None)


def tally(found: Sequence[Target]) -> str:
    """How many were held, were missed, and are not known."""
    verdicts = [target.held for target in found]
    held, missed = verdicts.count(True), verdicts.count(False)
    return f"{held} held, {missed} missed, {verdicts.count(None)} not measured"
