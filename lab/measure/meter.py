"""Everything that is counted from outside while a load runs, as differences."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from lab.broker import Broker, Written
from lab.database import Database, query
from lab.measure.counters import Increase
from lab.measure.processes import Spent, cpu_seconds
from lab.measure.scrape import instances, scrape
from lab.stack.home import Home
from lab.stack.state import Stack
from lab.stack.supervisor import ProcessInfo, processes
from lab.stack.zipkin import NAME as ZIPKIN

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

    def __init__(self, stack: Stack, database: Database, broker: Broker) -> None:
        self._stack = stack
        self._database = database
        self._broker = broker
        self._urls = instances(stack)
        self._spent = Spent()
        self._counted = Increase()

    def begin(self) -> None:
        self._written = self._broker.written()
        self._transactions = self._own_transactions()
        self._restarts = self._restarted()
        self.tick()

    def tick(self) -> None:
        for process, samples in scrape(self._urls).items():
            self._counted.sample(process, samples)
        self._spent.sample(cpu_seconds(self._pids()))

    def costs(self) -> Costs:
        restarts = self._restarted()
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

    def _processes(self) -> list[ProcessInfo]:
        return processes(Home(Path(self._stack.home)))

    def _pids(self) -> Mapping[str, int]:
        """Without who only looks on: that costs no order anything."""
        running = {each.name: each.pid for each in self._processes() if each.pid}
        return {name: pid for name, pid in running.items() if name != ZIPKIN}

    def _restarted(self) -> dict[str, int]:
        return {each.name: each.restarts for each in self._processes()}
