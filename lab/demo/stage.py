"""A running bandstand with everything that playing on it needs within reach."""

from collections.abc import Iterator
from contextlib import contextmanager

from lab.api import Api
from lab.broker import Broker
from lab.coordination.drain import Drain
from lab.coordination.route import Route, read_route, switch
from lab.database import Database
from lab.faults import read_faults, set_faults
from lab.load.door import Door
from lab.load.load import Load
from lab.load.mix import DOOMED, mix
from lab.measure.meter import Meter
from lab.output import say
from lab.stack.state import Stack
from lab.stack.target import StackTarget
from lab.target import Target
from lab.verify.quiet import await_quiet
from lab.where.inquiry import Services
from services.kit.faults import Catalogue
from services.kit.message import Mode

PATIENCE_SECONDS = 180.0  # on a busy machine; on a quiet one everything ends long before


def _silently(_message: str) -> None:
    pass


class AnyStage:
    """Thread-safe but for the broker's client, of which each thread takes its own."""

    def __init__(self, target: Target, database: Database, broker: Broker, order: Api) -> None:
        self.target = target
        self.database = database
        self.broker = broker
        self._order = order

    def load(self, orders: int, seed: int, doomed: float = DOOMED) -> Load:
        """`doomed` is a percentage."""
        door = Door(self.target.url("order"))
        return Load(mix(orders, seed, doomed), door, self.database)

    def meter(self) -> Meter:
        return Meter(self.target, self.database, self.broker)

    def services(self) -> Services:
        return Services(self.target.urls())

    def route(self) -> Route:
        return read_route(self._order)

    def switch(self, mode: Mode, weight: int = 100) -> Route:
        return switch(self._order, mode, weight, say)

    def drain(self, mode: Mode, timeout: float) -> float:
        """Seconds until it was proven."""
        with self.target.broker() as broker:
            return Drain(mode, self.database, broker, _silently).wait(timeout)

    def await_quiet(self, timeout: float) -> bool:
        return await_quiet(self.database, self.broker, timeout, _silently)

    def set_faults(self, catalogue: Catalogue) -> None:
        set_faults(self._urls(), self.target.token, catalogue)

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Whatever is done with route and faults meanwhile; it begins without faults."""
        route, faults = self.route(), {url: read_faults(url) for url in self._urls()}
        self.set_faults(Catalogue())
        try:
            yield
        finally:
            self.switch(route.mode, route.weight)
            for url, catalogue in faults.items():
                set_faults([url], self.target.token, catalogue)

    def _urls(self) -> list[str]:
        return [url for name in self.target.services for url in self.target.instances(name)]


class Stage(AnyStage):
    """On this machine, where processes can be killed and servers taken away."""

    def __init__(self, stack: Stack, database: Database, broker: Broker, order: Api) -> None:
        super().__init__(StackTarget(stack), database, broker, order)
        self.stack = stack


@contextmanager
def on_stage(stack: Stack) -> Iterator[Stage]:
    target = StackTarget(stack)
    with target.broker() as broker, target.order_api() as order:
        yield Stage(stack, target.database(), broker, order)


@contextmanager
def on_any_stage(target: Target) -> Iterator[AnyStage]:
    with target.broker() as broker, target.order_api() as order:
        yield AnyStage(target, target.database(), broker, order)
