"""One scene: its load flows while its cells are struck, and comes to rest before it is judged."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self

import msgspec

from lab.chaos.kinds import Direction
from lab.chaos.plan import Scene
from lab.chaos.results import CellResult, Judgement, Recovery, result
from lab.chaos.strike import Striker, Struck
from lab.database import query
from lab.demo.stage import Stage
from lab.demo.storm import calm
from lab.load.door import Door
from lab.load.load import Load
from lab.load.loops import Placed
from lab.load.mix import mix
from lab.load.summary import summarize
from lab.verify.invariants import verify
from services.kit.crash_points import Point
from services.kit.faults import Catalogue

RECOVERY = query(__file__, "recovery")
LONGEST_SECONDS = 300
DOOMED_PERCENT = {Direction.FORWARD: 10.0, Direction.BACKWARD: 60.0}
PATIENCE_SECONDS = 60.0

Tell = Callable[[Struck], None]


class Played(msgspec.Struct, frozen=True):
    cells: list[CellResult]
    judgement: Judgement


class _Nobody:
    """The cells are watched, not the load."""

    def placed(self, _placed: Placed) -> None:
        pass

    def ended(self) -> None:
        pass


class _Flow(threading.Thread):
    """A load that goes on until it has been seen enough of."""

    def __init__(self, load: Load, rate: float, seed: int) -> None:
        super().__init__(name="flow", daemon=True)
        self._load, self._rate, self._seed = load, rate, seed
        self._failure: Exception | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._load.stop()
        self.join()
        if self._failure is not None and kind is None:
            raise self._failure

    def run(self) -> None:
        try:
            self._load.open(self._rate, self._seed, _Nobody(), PATIENCE_SECONDS)
        except Exception as failure:
            self._failure = failure


def perform(stage: Stage, scene: Scene, rate: float, seed: int, known: int, tell: Tell) -> Played:
    """`known` violations were there before."""
    _enter(stage, scene)
    load = _load(stage, scene, rate, seed)
    striker = Striker(stage)
    struck = []
    with _faults(stage, scene.catalogue), _Flow(load, rate, seed):
        for cell in scene.cells:
            struck.append(striker.strike(cell))
            tell(struck[-1])
    judgement = _judge(stage, load, known)
    ids = load.ledger.ids
    cells = [result(each, _recovery(stage, each, ids), judgement) for each in struck]
    return Played(cells, judgement)


def _enter(stage: Stage, scene: Scene) -> None:
    """A switch is struck on the way into its mode, so its scene begins in the other one."""
    switches = scene.point is Point.IN_SWITCH_TRANSACTION
    wanted = scene.mode.other if switches else scene.mode
    if not stage.route().leaves(wanted.other):
        stage.switch(wanted)


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


def _judge(stage: Stage, load: Load, known: int) -> Judgement:
    quiet = stage.await_quiet(PATIENCE_SECONDS)
    verdicts = list(verify(stage.database))
    summary = summarize(load.ledger, stage.database)
    return Judgement(
        violations=sum(each.violations for each in verdicts) - known,
        broken=[each.name for each in verdicts if not each.holds],
        lost=summary.lost,
        duplicated=summary.duplicated,
        quiet=quiet,
    )


def _recovery(stage: Stage, struck: Struck, ids: list[str]) -> Recovery:
    return stage.database.row(RECOVERY, Recovery, ids=ids, killed=struck.killed, over=struck.over)
