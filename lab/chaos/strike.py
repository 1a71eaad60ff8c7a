"""One cell: arm a process, see it die and come back, and wait until nobody waits because of it."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import httpx
import msgspec
import psutil

from lab.api import Api
from lab.chaos.plan import Cell
from lab.database import query
from lab.demo.stage import Stage
from lab.errors import BandstandError, NotReadyError
from lab.stack.home import Home
from lab.stack.ready import service_problem
from lab.stack.state import Instance
from lab.stack.supervisor import ProcessInfo, processes
from services.kit.crash_points import Point

CLOCK = query(__file__, "clock")
STILL_OPEN = query(__file__, "still_open")
KILL_SECONDS = 20.0
RETURN_SECONDS = 60.0
CALM_SECONDS = 60.0
GLANCE_SECONDS = 0.005
LOOK_SECONDS = 0.05


class _Clock(msgspec.Struct):
    seconds: float


class _Open(msgspec.Struct):
    orders: int


class Struck(msgspec.Struct, frozen=True):
    """`killed` and `over` are times of the database's clock; `kills` are the supervisor's."""

    cell: Cell
    kills: int = 0
    killed: float = 0.0
    over: float = 0.0
    calm: bool = True


class Striker:
    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._home = Home(Path(stage.stack.home))

    def strike(self, cell: Cell) -> Struck:
        """A process that passes its point by is disarmed, and the cell has no kill."""
        instance = self._stage.stack.services[cell.service].instances[0]
        before = self._process(instance)
        with Api(instance.url, self._stage.stack.token) as service:
            with suppress(NotReadyError):  # it may die over it before it has answered
                service.tell("PUT", "/crash-point", cell.arming)
            if cell.point is Point.IN_SWITCH_TRANSACTION:
                self._switch(cell)
            if not _until(lambda: _is_dead(before.pid), KILL_SECONDS, GLANCE_SECONDS):
                service.tell("DELETE", "/crash-point")
                return Struck(cell)
        return self._recovered(cell, instance, before)

    def _recovered(self, cell: Cell, instance: Instance, before: ProcessInfo) -> Struck:
        killed = self._now()
        self._process(instance)  # supervisord starts anew what it knows to be dead once asked
        self._await_return(instance)
        if cell.point is Point.IN_SWITCH_TRANSACTION:
            self._stage.switch(cell.mode)
        back = self._now()
        calm = _until(lambda: not self._waiting(back), CALM_SECONDS, LOOK_SECONDS)
        kills = self._process(instance).restarts - before.restarts
        return Struck(cell, kills, killed, self._now(), calm)

    def _switch(self, cell: Cell) -> None:
        """The one who switches gets no answer, because the service dies over it."""
        with suppress(NotReadyError):
            self._stage.switch(cell.mode)

    def _await_return(self, instance: Instance) -> None:
        with httpx.Client(trust_env=False) as client:

            def is_ready() -> bool:
                return service_problem(client, instance.url) is None

            if not _until(is_ready, RETURN_SECONDS, LOOK_SECONDS):
                raise BandstandError(f"{instance.name} was killed and did not come back")

    def _process(self, instance: Instance) -> ProcessInfo:
        (found,) = (each for each in processes(self._home) if each.name == instance.name)
        return found

    def _now(self) -> float:
        return self._stage.database.row(CLOCK, _Clock).seconds

    def _waiting(self, since: float) -> int:
        return self._stage.database.row(STILL_OPEN, _Open, moment=since).orders


def _is_dead(pid: int) -> bool:
    """Also when its supervisor has not noticed yet."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _until(happened: Callable[[], bool], seconds: float, pause: float) -> bool:
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True
