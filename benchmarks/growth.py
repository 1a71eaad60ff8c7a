"""What finished sagas do to the cost of new ones: measured on one stack, before and after."""

from __future__ import annotations

import time
from collections.abc import Sequence

from benchmarks.history import fill
from benchmarks.measure import Bench, saturate, stage_of, warm_up
from benchmarks.results import Growth, Stretch, spread
from benchmarks.systems import System
from lab.demo.stage import Stage

SHARE = 0.5


def grow(bench: Bench, ours: Sequence[System], finished: int) -> list[Growth]:
    """Shorter runs than elsewhere; the modes differ in what they are told, not in their stack."""
    with stage_of(ours[0], bench.python) as stage:
        before = {system.name: _runs(bench, stage, system) for system in ours}
        began = time.monotonic()
        rows = fill(stage.stack.postgres.url, finished, bench.tell)
        seconds = time.monotonic() - began
        bench.tell(f"  {finished:,} finished sagas, {rows:,} rows, in {seconds:,.0f} s")
        after = {system.name: _runs(bench, stage, system) for system in ours}
    return [growth(name, finished, before[name], after[name]) for name in before]


def growth(name: str, finished: int, before: Sequence[Stretch], after: Sequence[Stretch]) -> Growth:
    return Growth(
        system=name,
        finished=finished,
        before=spread(each.cpu_seconds_per_1000 for each in before),
        after=spread(each.cpu_seconds_per_1000 for each in after),
        sagas_per_s_before=spread((each.sagas_per_s for each in before), 1).median,
        sagas_per_s_after=spread((each.sagas_per_s for each in after), 1).median,
    )


def _runs(bench: Bench, stage: Stage, system: System) -> list[Stretch]:
    orders = round(bench.orders(system) * SHARE)
    warm_up(stage, system, orders)
    found = [saturate(stage, system, orders, seed) for seed in bench.seeds]
    cost = spread(each.cpu_seconds_per_1000 for each in found)
    bench.tell(f"  {system.name}: {cost.median:.2f} CPU-s per 1,000")
    return found
