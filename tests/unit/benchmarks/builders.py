"""Runs and documents with plain figures."""

from datetime import UTC, datetime

from benchmarks.results import Document, Growth, Idle, Run, Stretch, result, spread
from benchmarks.systems import SYSTEMS
from lab.quantiles import Quantiles

AT = datetime(2026, 11, 23, 15, 30, tzinfo=UTC)
NAMES = [system.name for system in SYSTEMS]
ORCHESTRATION, CHOREOGRAPHY = "bandstand-orchestration", "bandstand-choreography"


def a_stretch(cpu=2.0, rate=300.0, latency=None, rss=80.0):
    return Stretch(
        orders=1_000,
        sagas_per_s=rate,
        cpu={"order-0": cpu / 2, "postgres": cpu / 2},
        latency_ms=latency or Quantiles(240, 20.0, 30.0, 40.0),
        messages_per_saga=8.0,
        transactions_per_saga=1.5,
        rss_mib={"order-0": rss, "kafka": 400.0},
    )


def a_run(cpu=2.0, rate=300.0, p50=20.0, p99=40.0):
    steady = a_stretch(cpu * 3, 20.0, Quantiles(240, p50, (p50 + p99) / 2, p99))
    return Run(a_stretch(cpu, rate), steady)


def a_result(system, cpu=2.0, rate=300.0, p50=20.0, p99=40.0, idle=None):
    return result(system, [a_run(cpu, rate, p50, p99)], AT, idle)


def a_document(**cpu):
    """`temporal=30.0` and the like; both modes cost 2."""
    found = {ORCHESTRATION: 2.0, CHOREOGRAPHY: 2.0, **cpu}
    return Document([a_result(name, each) for name, each in found.items()])


def a_growth(before=(2.0,), after=(2.1,), system=ORCHESTRATION):
    return Growth(system, 1_000_000, spread(before), spread(after), 300.0, 290.0)


def at_rest(percent):
    return Idle(percent, {"kafka": percent})
