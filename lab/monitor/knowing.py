"""How much of what is open somebody central knows while orders pour in, and what knowing costs."""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import msgspec

from lab.database import Database, query
from lab.demo.stage import Stage
from lab.errors import NotReadyError
from lab.load.progress import Bars
from lab.measure.processes import Spent, cpu_seconds
from lab.quantiles import Quantiles, measured
from services.kit.message import Mode

KNOWS = {Mode.ORCHESTRATION: "orchestrator.sagas", Mode.CHOREOGRAPHY: "saga_tracker.sagas"}
KNOWN = query(__file__, "known")
UNSEEN = query(__file__, "unseen")
TRACKED = query(__file__, "tracked")
CONCURRENCY = 64
LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 60.0


class Knowing(msgspec.Struct, frozen=True):
    """Of one load; `lag_ms` only where knowledge is second-hand."""

    known_share: float
    cpu_ms_per_order: float
    lag_ms: Quantiles | None


class _Count(msgspec.Struct):
    open: int
    known: int


class _Unseen(msgspec.Struct):
    unseen: int


class _Lag(msgspec.Struct):
    ms: float


def await_caught_up(database: Database) -> None:
    """A tracker that was just started reads everything that was ever said, which is not its
    everyday."""
    for _ in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
        if database.row(UNSEEN, _Unseen).unseen == 0:
            return
        time.sleep(LOOK_SECONDS)
    raise NotReadyError("the saga-tracker does not catch up; see its log")


def knowing(stage: Stage, mode: Mode, orders: int, seed: int, pids: Mapping[str, int]) -> Knowing:
    """A burst in one mode; `pids` is the process that knows."""
    stage.switch(mode)
    load, spent = stage.load(orders, seed), Spent()
    spent.sample(cpu_seconds(pids))
    with counting(stage.database, mode) as counts, Bars(orders) as bars:
        load.closed(CONCURRENCY, bars, PATIENCE_SECONDS)
    if not stage.await_quiet(PATIENCE_SECONDS):
        raise NotReadyError("the stack does not come to rest; see `bandstand logs`")
    lag = _lag(stage.database, load.ledger.ids) if mode is Mode.CHOREOGRAPHY else None
    spent.sample(cpu_seconds(pids))
    seen = sum(each.open for each in counts)
    return Knowing(
        known_share=round(sum(each.known for each in counts) / seen, 3) if seen else 0.0,
        cpu_ms_per_order=round(sum(spent.by_name().values()) * 1000 / orders, 2),
        lag_ms=lag,
    )


@contextmanager
def counting(database: Database, mode: Mode) -> Iterator[list[_Count]]:
    """Counts five times a second, as long as it goes on."""
    counts: list[_Count] = []
    over = threading.Event()
    text = KNOWN.replace(b"{knows}", KNOWS[mode].encode())

    def count() -> None:
        while not over.wait(LOOK_SECONDS):
            counts.append(database.row(text, _Count, mode=mode))
        database.close()

    counter = threading.Thread(target=count, name="counter", daemon=True)
    counter.start()
    try:
        yield counts
    finally:
        over.set()
        counter.join()


def _lag(database: Database, ids: list[str]) -> Quantiles:
    """Once the tracker knows each order's end."""
    await_caught_up(database)
    return measured([row.ms for row in database.rows(TRACKED, _Lag, ids=ids)])
