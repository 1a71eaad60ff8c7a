"""One scene of crash points: its cells are struck one after the other while its load flows."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from lab.chaos.flow import Flow, Played, enter, judged
from lab.chaos.kinds import Direction
from lab.chaos.plan import Scene
from lab.chaos.strike import Striker, Struck
from lab.chaos.watch import Watch
from lab.demo.stage import Stage
from lab.demo.storm import calm
from lab.load.door import Door
from lab.load.load import Load
from lab.load.mix import mix
from services.kit.crash_points import Point
from services.kit.faults import Catalogue

LONGEST_SECONDS = 300
DOOMED_PERCENT = {Direction.FORWARD: 10.0, Direction.BACKWARD: 60.0}

Tell = Callable[[Struck], None]


def perform(watch: Watch, scene: Scene, rate: float, seed: int, known: int, tell: Tell) -> Played:
    """A switch is struck on the way into its mode, so its scene begins in the other one."""
    stage = watch.stage
    switches = scene.point is Point.IN_SWITCH_TRANSACTION
    enter(stage, scene.mode.other if switches else scene.mode)
    load = _load(stage, scene, rate, seed)
    striker = Striker(watch)
    struck = []
    with _faults(stage, scene.catalogue), Flow(load, rate, seed):
        for cell in scene.cells:
            struck.append(striker.strike(cell))
            tell(struck[-1])
    return judged(stage, load, struck, known)


def _load(stage: Stage, scene: Scene, rate: float, seed: int) -> Load:
    """Backward, every order that is not doomed is cancelled by its customer."""
    backward = scene.direction is Direction.BACKWARD
    planned = mix(round(rate * LONGEST_SECONDS), seed, DOOMED_PERCENT[scene.direction])
    if backward:
        replace = msgspec.structs.replace
        planned = [replace(each, cancel=each.doomed_at is None) for each in planned]
    return Load(planned, Door(stage.stack.services["order"].url), stage.database)


@contextmanager
def _faults(stage: Stage, catalogue: Catalogue) -> Iterator[None]:
    if not catalogue.rules:
        yield
        return
    stage.set_faults(catalogue)
    try:
        yield
    finally:
        calm(stage)
