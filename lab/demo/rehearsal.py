"""Both modes and a live switch, without faults, on whatever runs: what a report needs at least."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab.demo.outcome import report
from lab.demo.play import play
from lab.demo.programme import ORDER_OF_MODES, Programme
from lab.demo.stage import AnyStage
from lab.demo.storm import weather
from lab.load.progress import Bars
from lab.report.model import Report
from lab.verify.invariants import verify

Narrate = Callable[[str], None]


def rehearse(stage: AnyStage, programme: Programme, narrate: Narrate) -> Report:
    """Nobody else should use it meanwhile: their orders would be counted as ours."""
    began = time.monotonic()
    with _route_kept(stage):
        phases = {}
        for mode in ORDER_OF_MODES:
            narrate(f"{mode}")
            phases[mode] = play(stage, mode, programme, lambda told: narrate(f"  {told}"))
        narrate(f"{programme.storm:,} orders, and the mode switched under them")
        with Bars(programme.storm) as bars:
            storm = weather(stage, programme, bars, lambda told: narrate(f"  {told}"))
    return report(stage, programme, phases, storm, list(verify(stage.database)), began)


@contextmanager
def _route_kept(stage: AnyStage) -> Iterator[None]:
    """However it ends, new orders go where they went before."""
    before = stage.route()
    try:
        yield
    finally:
        after = stage.route()
        if (after.mode, after.weight) != (before.mode, before.weight):
            stage.switch(before.mode, before.weight)
