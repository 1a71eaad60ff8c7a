"""How much of what is open somebody central knows while orders pour in, and what knowing costs."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import msgspec

from lab.broker import Offsets
from lab.database import Database, query
from lab.demo.stage import PATIENCE_SECONDS, Stage
from lab.errors import NotReadyError
from lab.load.progress import Bars
from lab.measure.processes import Spent, cpu_seconds
from lab.quantiles import Quantiles, measured
from lab.stack.options import TRACKER
from services.kit.message import Mode

KNOWN = query(__file__, "known")
LAG = query(__file__, "lag")
ORCHESTRATOR = "orchestrator"
CONCURRENCY = 64
LOOK_SECONDS = 0.2


class Knower(msgspec.Struct, frozen=True):
    """One place that hears of all sagas of a mode: SQL for what it has heard of `open.id`, and for
    when it showed each order as over; and its processes, if knowing is all they are there for."""

    heard: str
    shown: str
    pids: Mapping[str, int] = {}


class Knowing(msgspec.Struct, frozen=True):
    """Of one load."""

    known_share: float
    current_share: float
    cpu_ms_per_order: float | None
    lag_ms: Quantiles


class Count(msgspec.Struct):
    open: int
    known: int
    current: int


class _Lag(msgspec.Struct):
    ms: float


def timeline() -> Knower:
    """The order service, which notes what everybody says of its orders, in both modes. Its own part
    it need not hear."""
    return Knower(
        heard="SELECT type FROM orders.timeline WHERE order_id = open.id"
        " UNION ALL VALUES ('OrderPlaced'), ('Order' || initcap(open.status))",
        shown="SELECT id, closed_at FROM orders.orders",
    )


def tracking(pid: int) -> Knower:
    return Knower(
        heard="SELECT jsonb_object_keys(heard) FROM saga_tracker.sagas WHERE order_id = open.id",
        shown="SELECT order_id, closed_at FROM saga_tracker.sagas",
        pids={TRACKER: pid},
    )


def conductor(pids: Mapping[str, int]) -> Knower:
    return Knower(
        heard="SELECT CASE heard WHEN 'Started' THEN 'OrderPlaced' ELSE heard END"
        " FROM orchestrator.saga_log WHERE order_id = open.id",
        shown="SELECT order_id, ended_at FROM orchestrator.sagas",
        pids=pids,
    )


def await_caught_up(stage: Stage) -> None:
    """A tracker that was just started reads everything that was ever said, which is not its
    everyday. Only its offsets tell when it is through: it reads one topic after the other, and may
    know of an order's end before it hears of its beginning."""
    ends = stage.broker.ends(Mode.CHOREOGRAPHY)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _is_behind(ends, stage.broker.committed(TRACKER)):
        if time.monotonic() > deadline:
            raise NotReadyError("the saga-tracker does not catch up; see its log")
        time.sleep(LOOK_SECONDS)


def _is_behind(ends: Offsets, read: Offsets) -> bool:
    return any(read.get(place, 0) < end for place, end in ends.items())


def knowing(
    stage: Stage, mode: Mode, orders: int, seed: int, knowers: Mapping[str, Knower]
) -> dict[str, Knowing]:
    """A burst in one mode, and what each of its knowers knew of it."""
    stage.switch(mode)
    load, spent = stage.load(orders, seed), {name: Spent() for name in knowers}
    _sample(spent, knowers)
    with counting(stage.database, mode, knowers) as counts, Bars(orders) as bars:
        load.closed(CONCURRENCY, bars, PATIENCE_SECONDS)
    if not stage.await_quiet(PATIENCE_SECONDS):
        raise NotReadyError("the stack does not come to rest; see `bandstand logs`")
    if any(TRACKER in knower.pids for knower in knowers.values()):
        await_caught_up(stage)
    _sample(spent, knowers)
    return {
        name: Knowing(
            known_share=_share(counts[name], lambda count: count.known),
            current_share=_share(counts[name], lambda count: count.current),
            cpu_ms_per_order=_each(spent[name], orders) if knower.pids else None,
            lag_ms=_lag(stage.database, knower, load.ledger.ids),
        )
        for name, knower in knowers.items()
    }


@contextmanager
def counting(
    database: Database, mode: Mode, knowers: Mapping[str, Knower]
) -> Iterator[dict[str, list[Count]]]:
    """Counts five times a second, as long as it goes on."""
    counts: dict[str, list[Count]] = {name: [] for name in knowers}
    over = threading.Event()
    texts = {
        name: KNOWN.replace(b"{heard}", knower.heard.encode()) for name, knower in knowers.items()
    }

    def count() -> None:
        while not over.wait(LOOK_SECONDS):
            for name, text in texts.items():
                counts[name].append(database.row(text, Count, mode=mode))
        database.close()

    counter = threading.Thread(target=count, name="counter", daemon=True)
    counter.start()
    try:
        yield counts
    finally:
        over.set()
        counter.join()


def _sample(spent: Mapping[str, Spent], knowers: Mapping[str, Knower]) -> None:
    for name, knower in knowers.items():
        spent[name].sample(cpu_seconds(knower.pids))


def _share(counts: Sequence[Count], of: Callable[[Count], int]) -> float:
    seen = sum(each.open for each in counts)
    return round(sum(map(of, counts)) / seen, 3) if seen else 0.0


def _each(spent: Spent, orders: int) -> float:
    return round(sum(spent.by_name().values()) * 1000 / orders, 2)


def _lag(database: Database, knower: Knower, ids: list[str]) -> Quantiles:
    text = LAG.replace(b"{shown}", knower.shown.encode())
    return measured([row.ms for row in database.rows(text, _Lag, ids=ids)])
