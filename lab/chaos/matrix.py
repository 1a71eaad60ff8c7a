"""All scenes one after the other, and what they come to."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime

import msgspec

from lab.api import Api
from lab.chaos import scene as points
from lab.chaos.faults import play as faults
from lab.chaos.faults.kinds import FaultCell
from lab.chaos.flow import PATIENCE_SECONDS, Played
from lab.chaos.plan import Scene
from lab.chaos.results import CellResult, Matrix
from lab.chaos.scene import Tell
from lab.chaos.watch import Watch
from lab.demo.stage import Stage
from lab.errors import BandstandError
from lab.verify.invariants import verify
from services.kit.faults import Catalogue

Keep = Callable[[Matrix], object]


def perform_all(
    stage: Stage,
    scenes: Sequence[Scene | FaultCell],
    rate: float,
    seed: int,
    tell: Tell,
    keep: Keep = lambda _: None,
) -> Matrix:
    """What was broken before does not count; orders that were left open are let end first. Whoever
    is interrupted has kept what was played until then."""
    began = time.monotonic()
    stage.set_faults(Catalogue())
    stage.await_quiet(PATIENCE_SECONDS)
    known = sum(each.violations for each in verify(stage.database))
    watch = Watch(stage)
    cells: list[CellResult] = []
    try:
        for number, scene in enumerate(scenes):
            played = _perform(watch, scene, rate, seed + number, known, tell)
            cells += played.cells
            known += played.judgement.violations
            keep(_matrix(scenes, rate, cells, began))
    finally:
        _disarm(stage)
    whole = _matrix(scenes, rate, cells, began)
    return msgspec.structs.replace(whole, invariants=list(verify(stage.database)))


def _matrix(
    scenes: Sequence[Scene | FaultCell], rate: float, cells: list[CellResult], began: float
) -> Matrix:
    return Matrix(
        made_at=datetime.now(UTC),
        seconds=round(time.monotonic() - began, 1),
        rate=rate,
        planned=sum(map(cells_in, scenes)),
        cells=cells,
    )


def cells_in(scene: Scene | FaultCell) -> int:
    return len(scene.cells) if isinstance(scene, Scene) else 1


def _perform(
    watch: Watch, scene: Scene | FaultCell, rate: float, seed: int, known: int, tell: Tell
) -> Played:
    if isinstance(scene, FaultCell):
        return faults.perform(watch, scene, rate, seed, known, tell)
    return points.perform(watch, scene, rate, seed, known, tell)


def _disarm(stage: Stage) -> None:
    """A process that cannot be told is dead, and what was armed in it too."""
    for service in stage.stack.services.values():
        for instance in service.instances:
            with suppress(BandstandError), Api(instance.url, stage.stack.token) as api:
                api.tell("DELETE", "/crash-point")
