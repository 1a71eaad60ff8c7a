"""`RESULTS.md`, written from what was measured and from nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks import tables
from benchmarks.results import Document, Machine, Result
from benchmarks.systems import OWN, SYSTEMS
from benchmarks.targets import tally, targets

INTRODUCTION = """\
# What a saga costs

Written by `make bench`. The same order saga everywhere: reserve stock and authorize the payment at
the same time, arrange the shipment (the pivot), capture and ship, confirm, notify; one order in ten
is doomed and compensated. Orders come in over HTTP, and every system writes the same tables on the
same PostgreSQL (fsync on). Each figure is the median of its runs (lowest–highest), after a warm-up,
on empty data.

- *sagas/s* and *CPU* are at saturation, in a closed loop; CPU-seconds are of everything that works
  for the system (its servers too), without the load generator, which shares the machine.
- *p50*, *p95*, *p99* are from admission to the order's end at 20 orders a second, open loop.
- *MiB* is the memory of all its processes, *messages* are those on Kafka, *transactions* those of
  PostgreSQL, for one saga.
"""

FAIRNESS = """\
The peers are used as their documentation shows it, with nothing slowed on purpose and some things
made cheaper than ours: their front door does less, they keep no timeline of an order, their
connections are not reset between transactions, Temporal's server runs in memory, and a broker that
a system does not use is not counted. Their steps are asyncpg, ours psycopg. The floor at saturation
makes its orders itself, without HTTP."""


def page(document: Document) -> str:
    return "\n".join(_parts(document))


def save(document: Document, path: Path) -> None:
    path.write_text(page(document))


def _parts(document: Document) -> Iterator[str]:
    yield INTRODUCTION
    yield f"{tables.markdown(tables.systems(document))}\n"
    yield from _floor(document)
    yield from _best(document)
    yield "## Ratios\n"
    yield f"{tables.markdown(tables.cheaper(document))}\n"
    yield "## Targets\n"
    found = targets(document)
    yield f"{tables.markdown(tables.targets(found))}\n"
    yield f"{tally(found)}.\n"
    yield "## With finished sagas in the database\n"
    yield from _growth(document)
    yield "## Where it goes, by process\n"
    for result in document.results:
        yield f"{tables.markdown(tables.processes(result))}\n"
    yield "## Settings and guarantees\n"
    yield from _settings(document)
    yield f"\n{FAIRNESS}\n"
    if document.machine:
        yield _machine(document.machine)


def _floor(document: Document) -> Iterator[str]:
    floor = document.of("floor")
    if floor and floor.batched:
        batched = floor.batched
        yield (
            f"The floor's transactions for 100 sagas each: {batched.sagas_per_s:,.0f} sagas/s,"
            f" {batched.cpu_seconds_per_1000:.2f} CPU-s per 1,000.\n"
        )


def _best(document: Document) -> Iterator[str]:
    """Where another is ahead of a mode of ours, it is said here."""
    for name in OWN:
        own = document.of(name)
        if own is None:
            continue
        for other in document.results:
            ahead = [
                what
                for what, wins in (
                    ("cheaper", other.cpu_seconds_per_1000 < own.cpu_seconds_per_1000),
                    ("more sagas a second", other.sagas_per_s > own.sagas_per_s),
                    ("sooner at p50", _sooner(other.latency_ms_at_20, own.latency_ms_at_20, "p50")),
                    ("sooner at p99", _sooner(other.latency_ms_at_20, own.latency_ms_at_20, "p99")),
                )
                if wins
            ]
            if ahead and other.system not in OWN:
                yield f"- **{other.system}** is ahead of {name}: {', '.join(ahead)}."
    yield ""


def _sooner(one: dict[str, float], other: dict[str, float], name: str) -> bool:
    return name in one and name in other and one[name] < other[name]


def _growth(document: Document) -> Iterator[str]:
    if document.growth:
        yield (
            "At saturation on one stack, before and after copying finished sagas into every table"
            " of every service, inboxes included.\n"
        )
        yield f"{tables.markdown(tables.growth(document.growth))}\n"
    else:
        yield f"{tables.NOT_MEASURED}\n"


def _settings(document: Document) -> Iterator[str]:
    for system in SYSTEMS:
        if found := document.of(system.name):
            yield (
                f"- **{system.name}** ({system.settings}; {system.concurrency} orders open at"
                f" saturation, {found.runs} runs, {found.measured_at:%Y-%m-%d %H:%M} UTC,"
                f" {_load(found)})."
                f" Promises: {system.promises}."
            )


def _load(found: Result) -> str:
    """A busy machine makes everything slower and each CPU-second do less."""
    if found.load_before is None:
        return "the machine's load before it not noted"
    return f"load average {found.load_before:g} before it"


def _machine(machine: Machine) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine.versions.items())
    return (
        f"Measured on {machine.cores} cores with {machine.memory_gib:.0f} GiB, {machine.system},"
        f" everything on one machine. {versions}.\n"
    )
