"""One mode's own phase: a steady load, a burst, and questions about orders under way."""

from collections.abc import Callable

import msgspec

from lab.database import query
from lab.demo.programme import Programme
from lab.demo.stage import PATIENCE_SECONDS, AnyStage
from lab.errors import NotReadyError
from lab.load.load import Load, Watcher
from lab.load.progress import Bars
from lab.load.summary import Summary, summarize
from lab.measure import meter as measuring
from lab.report.figures import Answer, StepRow, mode_figures, stretch, whereabouts
from lab.report.model import Mode as ModeFigures
from lab.report.model import Stretch, Whereabouts
from lab.where.inquiry import inquire
from services.kit.message import Mode

CURVE = query(measuring.__file__, "curve")
STEPS = query(measuring.__file__, "steps")
QUESTION_SEED = 1_000_003
MOVED = "somebody else moves the route (suspend a Coordination: `kubectl patch coordination orders "
MOVED += """--type merge -p '{"spec":{"suspend":true}}'`)"""

Narrate = Callable[[str], None]


class _Curve(msgspec.Struct):
    mode: str
    orders: int
    latency_ms: list[float]


class Phase(msgspec.Struct, frozen=True):
    """A mode's figures, and the loads they come from; `steady` are the first of the `ids`."""

    figures: ModeFigures
    summaries: list[Summary]
    ids: list[str]
    steady: list[str]


class Played(msgspec.Struct, frozen=True):
    stretch: Stretch
    summary: Summary
    ids: list[str]


def play(stage: AnyStage, mode: Mode, programme: Programme, narrate: Narrate) -> Phase:
    _enter(stage, mode, programme)
    narrate(f"{programme.steady:,} orders at {programme.rate:g} a second")
    steady = _steady(stage, mode, programme)
    narrate(f"  {_latency(steady.stretch)}")
    narrate(f"{programme.burst:,} orders as fast as they end, {programme.concurrency} at a time")
    burst = _burst(stage, mode, programme)
    narrate(f"  {burst.stretch.throughput_per_s:,.0f} orders a second")
    narrate(f"{programme.questions} orders, asked about while under way")
    questions = _ask_around(stage, programme)
    narrate(f"  {_places(questions)}")
    return Phase(
        figures=mode_figures(steady.stretch, burst.stretch, questions),
        summaries=[steady.summary, burst.summary],
        ids=[*steady.ids, *burst.ids],
        steady=steady.ids,
    )


def _latency(steady: Stretch) -> str:
    ms = steady.latency_ms
    tail = "" if ms.p99 is None else f", 99 of 100 within {ms.p99:,.0f} ms"
    return f"half of them ended within {ms.p50 or 0:,.0f} ms{tail}"


def _places(questions: Whereabouts) -> str:
    if questions.places is None:
        return "all had ended before the question"
    services = "1 service" if questions.places == 1 else f"{questions.places:g} services"
    return f"{services} had to be asked where each of them was"


def _enter(stage: AnyStage, mode: Mode, programme: Programme) -> None:
    """A warm-up that does not count: first orders pay for imports, plans and connections."""
    if stage.route().leaves(mode) or not stage.route().leaves(mode.other):
        stage.switch(mode)
    load = stage.load(programme.warm_up, programme.seed)
    with Bars(programme.warm_up) as bars:
        load.open(programme.rate * 2, programme.seed, bars, PATIENCE_SECONDS)
    _await_quiet(stage)


def _steady(stage: AnyStage, mode: Mode, programme: Programme) -> Played:
    loop = f"{programme.rate:g} orders a second"
    return _measured(
        stage,
        mode,
        loop,
        stage.load(programme.steady, programme.seed),
        lambda load, bars: load.open(programme.rate, programme.seed, bars, PATIENCE_SECONDS),
    )


def _burst(stage: AnyStage, mode: Mode, programme: Programme) -> Played:
    loop = f"{programme.concurrency} orders open at any time"
    return _measured(
        stage,
        mode,
        loop,
        stage.load(programme.burst, programme.seed + 1),
        lambda load, bars: load.closed(programme.concurrency, bars, PATIENCE_SECONDS),
    )


def _measured(
    stage: AnyStage, mode: Mode, loop: str, load: Load, run: Callable[[Load, Watcher], None]
) -> Played:
    meter = stage.meter()
    meter.begin()
    with Bars(len(load.ledger.planned)) as bars:
        run(load, bars)
    meter.tick()
    _await_quiet(stage)
    costs, ids = meter.costs(), load.ledger.ids
    summary = summarize(load.ledger, stage.database)
    curves = {row.mode: row.latency_ms for row in stage.database.rows(CURVE, _Curve, ids=ids)}
    steps = stage.database.rows(STEPS, StepRow, ids=ids)
    if set(summary.modes) != {mode}:
        raise NotReadyError(f"not all orders went to {mode}; {MOVED}")
    figures = stretch(mode, loop, summary, costs, curves[mode], steps)
    return Played(figures, summary, ids)


def _ask_around(stage: AnyStage, programme: Programme) -> Whereabouts:
    """Orders placed for the question alone, outside of what is measured otherwise."""
    load = stage.load(programme.questions, QUESTION_SEED + programme.seed)
    answers = []
    with stage.services() as services:
        for planned in load.ledger.planned:
            order = load.place(planned)
            found = inquire(services, order.id)
            under_way = found.order.closed_at is None
            answers.append(Answer(under_way, found.places, found.ms))
    _await_quiet(stage)
    return whereabouts(answers)


def _await_quiet(stage: AnyStage) -> None:
    if not stage.await_quiet(PATIENCE_SECONDS):
        raise NotReadyError(
            "it does not come to rest without faults; see `bandstand policy holds`, and the logs"
        )
