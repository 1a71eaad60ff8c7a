"""The load of a scene: it flows while somebody strikes, and comes to rest before it is judged."""

import threading
from typing import Self

import msgspec

from lab.chaos.results import CellResult, Judgement, Recovery, result
from lab.chaos.strike import Struck
from lab.database import query
from lab.demo.stage import Stage
from lab.load.load import Load
from lab.load.loops import Placed
from lab.load.summary import summarize
from lab.verify.invariants import verify
from services.kit.message import Mode

RECOVERY = query(__file__, "recovery")
PATIENCE_SECONDS = 60.0


class Played(msgspec.Struct, frozen=True):
    cells: list[CellResult]
    judgement: Judgement


class _Nobody:
    """The cells are watched, not the load."""

    def placed(self, _placed: Placed) -> None:
        pass

    def ended(self) -> None:
        pass


class Flow(threading.Thread):
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


def enter(stage: Stage, mode: Mode) -> None:
    """New orders are all admitted in this mode."""
    if not stage.route().leaves(mode.other):
        stage.switch(mode)


def judged(stage: Stage, load: Load, struck: list[Struck], known: int) -> Played:
    """At rest; `known` violations were there before."""
    judgement = _judge(stage, load, known)
    ids = load.ledger.ids
    return Played(
        [result(each, _recovery(stage, each, ids), judgement) for each in struck], judgement
    )


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
