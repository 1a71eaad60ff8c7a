"""Everything that is counted from outside while a load runs, as differences."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from lab.broker import Broker, Written
from lab.database import Database, query
from lab.measure.counters import Increase
from lab.measure.processes import Spent
from lab.measure.scrape import scrape
from lab.target import Target

TRANSACTIONS = query(__file__, "transactions")


class _Transactions(msgspec.Struct):
    transactions: int


class Costs(msgspec.Struct, frozen=True):
    """What one stretch of the run cost. `transactions` are the server's, without the lab's looks;
    `cpu_seconds` are by process, those of restarted ones included."""

    written: Written
    transactions: int
    cpu_seconds: dict[str, float]
    counted: Increase
    restarts: dict[str, int]


class Meter:
    """`begin`; `tick` when the load has ended, and before as often as restarts are to be survived;
    `costs` when everything is quiet."""

    def __init__(self, target: Target, database: Database, broker: Broker) -> None:
        self._target = target
        self._database = database
        self._broker = broker
        self._urls = target.replicas()
        self._spent = Spent()
        self._counted = Increase()

    def begin(self) -> None:
        self._written = self._broker.written()
        self._transactions = self._own_transactions()
        self._restarts = self._target.restarts()
        self.tick()

    def tick(self) -> None:
        for process, samples in scrape(self._urls).items():
            self._counted.sample(process, samples)
        self._spent.sample(self._target.cpu_seconds())

    def costs(self) -> Costs:
        restarts = self._target.restarts()
        return Costs(
            written=self._broker.written().since(self._written),
            transactions=self._own_transactions() - self._transactions,
            cpu_seconds=self._spent.by_name(),
            counted=self._counted,
            restarts={
                name: count - self._restarts.get(name, 0)
                for name, count in restarts.items()
                if count > self._restarts.get(name, 0)
            },
        )

    @contextmanager
    def ticking(self, every: float) -> Iterator[None]:
        """Ticks in the background; one last time at the end."""
        over = threading.Event()
        ticker = threading.Thread(target=self._tick_until, args=(over, every), daemon=True)
        ticker.start()
        try:
            yield
        finally:
            over.set()
            ticker.join()

    def _tick_until(self, over: threading.Event, every: float) -> None:
        while not over.wait(every):
            self.tick()

    def _own_transactions(self) -> int:
        row = self._database.row(TRANSACTIONS, _Transactions)
        return row.transactions - self._database.looks
