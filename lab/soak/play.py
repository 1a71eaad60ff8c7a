"""Plays a soak on a running stack: a closed loop in both modes, another weather each minute."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lab.api import Api
from lab.coordination.route import switch
from lab.demo.stage import Stage
from lab.errors import NotReadyError
from lab.load.load import Load
from lab.load.loops import Placed
from lab.load.summary import summarize
from lab.measure.scrape import instances
from lab.output import say
from lab.soak.memory import Memory, living
from lab.soak.results import Soak, result
from lab.soak.weather import MINUTE_SECONDS, Weather, forecast
from lab.stack.home import Home
from lab.stack.supervisor import processes
from lab.verify.invariants import verify
from services.kit.faults import Catalogue
from services.kit.message import Mode

MOST_A_MINUTE = 12_000
BOTH_MODES = 50
SAMPLE_SECONDS = 2.0
PATIENCE_SECONDS = 60.0
TURN_SECONDS = 0.2

Played = tuple[Weather, Load]
Tell = Callable[[int, Weather, Load], None]


class _NobodyWatches:
    def placed(self, placed: Placed) -> None: ...

    def ended(self) -> None: ...


def play(stage: Stage, minutes: int, concurrency: int, seed: int, tell: Tell) -> Soak:
    names = list(instances(stage.stack))
    memory = Memory(lambda: _pids(stage))
    with Api(stage.stack.services["order"].url, stage.stack.token) as order:
        switch(order, Mode.ORCHESTRATION, BOTH_MODES, say)
    played: list[Played] = []
    try:
        with memory.sampled(SAMPLE_SECONDS):
            for number in range(1, minutes + 1):
                weather = forecast(seed, number, names)
                played.append((weather, _minute(stage, weather, concurrency, seed + number)))
                tell(number, *played[-1])
    finally:
        _set_faults(stage, Catalogue())
    return _judge(stage, played, memory, concurrency, seed)


def _judge(stage: Stage, played: list[Played], memory: Memory, concurrency: int, seed: int) -> Soak:
    quiet = stage.await_quiet(PATIENCE_SECONDS)
    loads = [(weather, summarize(load.ledger, stage.database)) for weather, load in played]
    verdicts = list(verify(stage.database))
    return result(seed, concurrency, loads, memory.trends(), quiet, verdicts)


def _minute(stage: Stage, weather: Weather, concurrency: int, seed: int) -> Load:
    """What is open when it is over is left to the next one."""
    _set_faults(stage, weather.catalogue)
    load = stage.load(MOST_A_MINUTE, seed)
    with (
        _after(MINUTE_SECONDS, load.stop),
        _after(weather.kill_at, lambda: _kill(stage, weather.victim)),
    ):
        load.closed(concurrency, _NobodyWatches(), PATIENCE_SECONDS)
    return load


@contextmanager
def _after(seconds: float, what: Callable[[], None]) -> Iterator[None]:
    timer = threading.Timer(seconds, what)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _kill(stage: Stage, victim: str) -> None:
    """The supervisor starts it again."""
    with contextlib.suppress(ProcessLookupError):
        if pid := _pids(stage).get(victim):
            os.kill(pid, signal.SIGKILL)


def _pids(stage: Stage) -> Mapping[str, int]:
    home = Home(Path(stage.stack.home))
    return living({each.name: each.pid for each in processes(home)})


def _set_faults(stage: Stage, catalogue: Catalogue) -> None:
    """Also on a service that is just coming back."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return stage.set_faults(catalogue)
        except NotReadyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(TURN_SECONDS)
