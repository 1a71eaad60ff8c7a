"""What whoever strikes has to see: processes that die and return, and orders that wait."""

import time
from collections.abc import Callable
from pathlib import Path

import httpx
import msgspec

from lab.database import query
from lab.demo.stage import Stage
from lab.errors import BandstandError
from lab.stack.home import Home
from lab.stack.ready import service_problem
from lab.stack.state import Instance
from lab.stack.supervisor import ProcessInfo, processes, running

CLOCK = query(__file__, "clock")
STILL_OPEN = query(__file__, "still_open")
RETURN_SECONDS = 60.0
CALM_SECONDS = 60.0
LOOK_SECONDS = 0.05


class _Clock(msgspec.Struct):
    seconds: float


class _Open(msgspec.Struct):
    orders: int


class Watch:
    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.home = Home(Path(stage.stack.home))

    def process(self, name: str) -> ProcessInfo:
        """supervisord starts anew what it knows to be dead once it is asked."""
        (found,) = (each for each in processes(self.home) if each.name == name)
        return found

    def running(self, name: str) -> ProcessInfo:
        """One to signal, and so never pid 0."""
        return running(self.home, name)

    def await_return(self, instance: Instance) -> None:
        """Until it is ready."""
        with httpx.Client(trust_env=False) as client:

            def is_ready() -> bool:
                return service_problem(client, instance.url) is None

            if not until(is_ready, RETURN_SECONDS):
                raise BandstandError(f"{instance.name} does not come back")

    def now(self) -> float:
        """By the database's clock."""
        return self.stage.database.row(CLOCK, _Clock).seconds

    def await_calm(self, moment: float) -> bool:
        """Until nobody waits any more of those who had placed an order by then."""
        return until(lambda: not self._waiting(moment), CALM_SECONDS)

    def _waiting(self, since: float) -> int:
        return self.stage.database.row(STILL_OPEN, _Open, moment=since).orders


def until(happened: Callable[[], bool], seconds: float, pause: float = LOOK_SECONDS) -> bool:
    """False: it did not happen in time."""
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
