"""One cell: arm a process, see it die and come back, and wait until nobody waits because of it."""

from contextlib import suppress

import msgspec

from lab.api import Api
from lab.chaos.faults.kinds import FaultCell
from lab.chaos.plan import Cell
from lab.chaos.watch import Watch, until
from lab.errors import NotReadyError
from lab.stack.processes import is_dead
from lab.stack.state import Instance
from lab.stack.supervisor import ProcessInfo
from services.kit.crash_points import Point

KILL_SECONDS = 20.0
GLANCE_SECONDS = 0.005


class Struck(msgspec.Struct, frozen=True):
    """`killed` and `over` are times of the database's clock; `kills` are the supervisor's, or
    how often a fault was seen to hit. `lasted` are the seconds until a fault was taken away."""

    cell: Cell | FaultCell
    kills: int = 0
    killed: float = 0.0
    over: float = 0.0
    calm: bool = True
    lasted: float | None = None
    seen: dict[str, int] = {}


class Striker:
    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._stage = watch.stage

    def strike(self, cell: Cell) -> Struck:
        """A process that passes its point by is disarmed, and the cell has no kill."""
        instance = self._stage.stack.services[cell.service].instances[0]
        before = self._watch.running(instance.name)
        with Api(instance.url, self._stage.stack.token) as service:
            with suppress(NotReadyError):  # it may die over it before it has answered
                service.tell("PUT", "/crash-point", cell.arming)
            if cell.point is Point.IN_SWITCH_TRANSACTION:
                self._switch(cell)
            if not until(lambda: is_dead(before.pid), KILL_SECONDS, GLANCE_SECONDS):
                service.tell("DELETE", "/crash-point")
                return Struck(cell)
        return self._recovered(cell, instance, before)

    def _recovered(self, cell: Cell, instance: Instance, before: ProcessInfo) -> Struck:
        watch = self._watch
        killed = watch.now()
        watch.process(instance.name)
        watch.await_return(instance)
        if cell.point is Point.IN_SWITCH_TRANSACTION:
            self._stage.switch(cell.mode)
        calm = watch.await_calm(watch.now())
        kills = watch.process(instance.name).restarts - before.restarts
        return Struck(cell, kills, killed, watch.now(), calm)

    def _switch(self, cell: Cell) -> None:
        """The one who switches gets no answer, because the service dies over it."""
        with suppress(NotReadyError):
            self._stage.switch(cell.mode)
