"""The running stack with everything the demo needs of it within reach."""

from collections.abc import Iterator
from contextlib import contextmanager

from lab.api import Api
from lab.broker import Broker
from lab.coordination.drain import Drain
from lab.coordination.route import Route, read_route, switch
from lab.database import Database
from lab.faults import set_faults
from lab.load.door import Door
from lab.load.load import Load
from lab.load.mix import mix
from lab.measure.meter import Meter
from lab.measure.scrape import instances
from lab.output import say
from lab.stack.state import Stack
from lab.verify.quiet import await_quiet
from lab.where.inquiry import Services
from services.kit.faults import Catalogue
from services.kit.message import Mode


def _silently(_message: str) -> None:
    pass


class Stage:
    """Thread-safe but for the broker's client, of which each thread takes its own."""

    def __init__(self, stack: Stack, database: Database, broker: Broker, order: Api) -> None:
        self.stack = stack
        self.database = database
        self.broker = broker
        self._order = order

    def load(self, orders: int, seed: int) -> Load:
        door = Door(self.stack.services["order"].url)
        return Load(mix(orders, seed), door, self.database)

    def meter(self) -> Meter:
        return Meter(self.stack, self.database, self.broker)

    def services(self) -> Services:
        return Services({name: each.url for name, each in self.stack.services.items()})

    def route(self) -> Route:
        return read_route(self._order)

    def switch(self, mode: Mode, weight: int = 100) -> Route:
        return switch(self._order, mode, weight, say)

    def drain(self, mode: Mode, timeout: float) -> float:
        """Seconds until it was proven."""
        with Broker(self.stack.kafka.bootstrap) as broker:
            return Drain(mode, self.database, broker, _silently).wait(timeout)

    def await_quiet(self, timeout: float) -> bool:
        return await_quiet(self.database, self.broker, timeout, _silently)

    def set_faults(self, catalogue: Catalogue) -> None:
        set_faults(instances(self.stack).values(), self.stack.token, catalogue)


@contextmanager
def on_stage(stack: Stack) -> Iterator[Stage]:
    with (
        Broker(stack.kafka.bootstrap) as broker,
        Api(stack.services["order"].url, stack.token) as order,
    ):
        yield Stage(stack, Database(stack.postgres.url), broker, order)
