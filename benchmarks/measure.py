"""One system on a stack of its own: started, warmed up, loaded run by run, and stopped."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.results import Idle, Result, Run, Stretch, result
from benchmarks.systems import FLOOR, TEMPORAL, System
from lab.api import Api
from lab.demo.stage import Stage, on_stage
from lab.errors import NotReadyError, ViolationError
from lab.load.load import Load, Watcher
from lab.load.progress import Bars
from lab.load.summary import ModeSummary, summarize
from lab.measure.meter import Costs
from lab.output import err
from lab.quantiles import Quantiles
from lab.stack.home import Home, default_home
from lab.stack.options import StackOptions
from lab.stack.processes import resident_bytes
from lab.stack.progress import spinner
from lab.stack.run import running_stack
from lab.stack.supervisor import processes

RATE = 20.0
PATIENCE_SECONDS = 120.0
IDLE_SECONDS = 10.0
MIB = 1024 * 1024
ROOT = Path(__file__).resolve().parent.parent
BROKER = "kafka"
BATCH = 100
STEADY_ORDERS = 200
QUICK_STEADY_ORDERS = 100

Tell = Callable[[str], None]


class Bench:
    """How much is asked of each system; `python` is the peers'."""

    def __init__(self, python: str, runs: int, quick: bool, tell: Tell) -> None:
        self.python = python
        self.runs = runs
        self.tell = tell
        self._quick = quick

    def orders(self, system: System) -> int:
        return system.orders // 5 if self._quick else system.orders

    @property
    def steady_orders(self) -> int:
        return QUICK_STEADY_ORDERS if self._quick else STEADY_ORDERS

    def measure(self, system: System) -> Result:
        load_before = round(os.getloadavg()[0], 1)
        with stage_of(system, self.python) as stage:
            warm_up(stage, system, self.orders(system))
            runs = [self._run(stage, system, seed) for seed in self.seeds]
            idle = idling(stage) if system.mode else None
            batched = [self._batched(stage, seed) for seed in self.seeds if system is FLOOR]
        found = result(system.name, runs, datetime.now(UTC), idle, batched)
        return msgspec.structs.replace(found, load_before=load_before)

    @property
    def seeds(self) -> range:
        return range(1, self.runs + 1)

    def _batched(self, stage: Stage, seed: int) -> Stretch:
        found = by_itself(stage, self.orders(FLOOR) * BATCH // 10, seed, BATCH)
        self.tell(f"  in batches of {BATCH}: {found.sagas_per_s:,.0f} sagas/s")
        return found

    def _run(self, stage: Stage, system: System, seed: int) -> Run:
        saturated = saturate(stage, system, self.orders(system), seed)
        found = Run(saturated, steady(stage, system, self.steady_orders, seed))
        latency = found.steady.latency_ms.p50
        self.tell(
            f"  run {seed}: {saturated.sagas_per_s:,.0f} sagas/s,"
            f" {saturated.cpu_seconds_per_1000:.2f} CPU-s per 1,000;"
            f" at {RATE:g}/s p50 {latency} ms"
        )
        return found


@contextmanager
def stage_of(system: System, python: str) -> Iterator[Stage]:
    """On empty data, in a home beside the usual one, so that neither disturbs the other."""
    usual = default_home().root
    options = StackOptions(
        fresh=True,
        known_ports=False,
        services=system.processes,
        service_command=system.command(python),
    )
    with _environment(system), spinner(err) as progress:
        context = running_stack(options, progress, Home(usual.with_name(f"{usual.name}-bench")))
        running = context.__enter__()
    try:
        with on_stage(running.stack) as stage:
            yield stage
    finally:
        context.__exit__(None, None, None)


@contextmanager
def _environment(system: System) -> Iterator[None]:
    """The peers' Python finds this package, and Temporal's processes find each other."""
    more = {"PYTHONPATH": str(ROOT)}
    if system is TEMPORAL:
        more["BENCHMARK_TEMPORAL"] = f"127.0.0.1:{_free_port()}"
    before = dict(os.environ)
    os.environ.update(more)
    try:
        yield
    finally:
        for name in more:
            os.environ.pop(name)
        os.environ.update({name: before[name] for name in more if name in before})


def warm_up(stage: Stage, system: System, orders: int) -> None:
    """The first sagas pay for imports, plans, connections and just-in-time compilation."""
    if system.mode and stage.route().leaves(system.mode):
        stage.switch(system.mode)
    saturate(stage, system, orders // 2, seed=0)


def saturate(stage: Stage, system: System, orders: int, seed: int) -> Stretch:
    if system is FLOOR:
        return by_itself(stage, orders, seed)

    def run(load: Load, watcher: Watcher) -> None:
        load.closed(system.concurrency, watcher, PATIENCE_SECONDS)

    return _stretch(stage, system, orders, seed, run)


def by_itself(stage: Stage, orders: int, seed: int, batch: int = 1) -> Stretch:
    """The floor without its front door: it makes its orders itself."""
    meter, began = stage.meter(), time.monotonic()
    meter.begin()
    with Api(stage.stack.services["order"].url, timeout=PATIENCE_SECONDS) as api:
        api.tell("POST", "/run", {"orders": orders, "seed": seed, "batch": batch})
    meter.tick()
    share = ModeSummary(
        orders=orders,
        confirmed=orders,
        rejected=0,
        reasons={},
        latency_ms=Quantiles(0),
        throughput_per_s=orders / (time.monotonic() - began),
    )
    return stretch(share, meter.costs(), _counted(_memory(stage), FLOOR), FLOOR)


def steady(stage: Stage, system: System, orders: int, seed: int) -> Stretch:
    def run(load: Load, watcher: Watcher) -> None:
        load.open(RATE, seed, watcher, PATIENCE_SECONDS)

    return _stretch(stage, system, orders, seed, run)


def _stretch(
    stage: Stage, system: System, orders: int, seed: int, run: Callable[[Load, Watcher], None]
) -> Stretch:
    load, meter = stage.load(orders, seed), stage.meter()
    meter.begin()
    with Bars(orders) as bars:
        run(load, bars)
    meter.tick()
    rss = _memory(stage)
    if not stage.await_quiet(PATIENCE_SECONDS):
        raise NotReadyError(f"{system.name} does not come to rest; its logs say more")
    summary = summarize(load.ledger, stage.database)
    if not summary.sound:
        raise ViolationError(
            f"{system.name}: {summary.lost} lost, {summary.unended} not ended,"
            f" {summary.duplicated} placed twice"
        )
    (share,) = summary.modes.values()
    return stretch(share, meter.costs(), _counted(rss, system), system)


def stretch(share: ModeSummary, costs: Costs, rss: Mapping[str, float], system: System) -> Stretch:
    orders = share.orders
    cpu = {name: seconds * 1000 / orders for name, seconds in costs.cpu_seconds.items()}
    return Stretch(
        orders=orders,
        sagas_per_s=share.throughput_per_s or 0.0,
        cpu=_counted(cpu, system),
        latency_ms=share.latency_ms,
        messages_per_saga=round(costs.written.messages / orders, 2),
        transactions_per_saga=round(costs.transactions / orders, 2),
        rss_mib=dict(rss),
    )


def idling(stage: Stage) -> Idle:
    meter = stage.meter()
    meter.begin()
    time.sleep(IDLE_SECONDS)
    meter.tick()
    percent = {n: round(s * 100 / IDLE_SECONDS, 2) for n, s in meter.costs().cpu_seconds.items()}
    return Idle(round(sum(percent.values()), 1), percent)


def _counted(figures: Mapping[str, float], system: System) -> dict[str, float]:
    """A broker that a system does not use runs beside it and is none of its cost."""
    return {name: each for name, each in figures.items() if system.broker or name != BROKER}


def _memory(stage: Stage) -> dict[str, float]:
    listed = processes(Home(Path(stage.stack.home)))
    return {each.name: resident_bytes(each.pid) / MIB for each in listed if each.pid}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
