"""A switch tried without a cluster: whatever ends it, no mode is left on trial."""

from datetime import timedelta
from itertools import count

import pytest
import typer

from coordination_operator.errors import Unavailable
from coordination_operator.resources import Step
from lab.commands.switch import INTERVAL, _sensible
from lab.coordination.trial import Stage, a_spec, try_out
from lab.errors import NotReadyError
from services.kit.message import Mode
from tests.unit.operator.an_operator import FakeServices

STEPS = (Step(weight=20, min_duration="1s"),)


class Silent:
    """A database that does not answer."""

    def row(self, *_, **__):
        raise NotReadyError("PostgreSQL does not answer")


class Tried:
    def __init__(self):
        self.services, self.said = FakeServices(), []
        self.spec = a_spec(Mode.CHOREOGRAPHY, STEPS, INTERVAL, timeout=30)
        self.stage = Stage(self.spec, self.services, Silent(), self.said.append)
        self.clock = count()

    def until(self, trouble):
        """Tried until somebody has waited three times."""
        waits = count(1)

        def patience(_):
            if next(waits) == 3:
                assert self.services.share(Mode.CHOREOGRAPHY) == 20
                trouble()

        return try_out(self.stage, patience, lambda: next(self.clock))


@pytest.fixture
def tried():
    return Tried()


def raising(error):
    def trouble():
        raise error

    return trouble


@pytest.mark.parametrize("end", [KeyboardInterrupt(), NotReadyError("away"), ZeroDivisionError()])
def test_whatever_ends_a_trial_gives_new_orders_back(tried, end):
    with pytest.raises(type(end)):
        tried.until(raising(end))
    assert tried.services.share(Mode.ORCHESTRATION) == 100
    assert tried.said[-1] == "interrupted: new orders go to orchestration again"


def test_a_database_that_does_not_answer_is_a_measurement_that_says_so(tried):
    samples = tried.stage.samples(tried.spec.analysis, Mode.CHOREOGRAPHY)
    assert {sample.error for sample in samples} == {"PostgreSQL does not answer"}


def test_who_is_not_answered_for_long_gives_up_and_says_what_is_left_to_do(tried):
    def silence():
        tried.services.reachable = False

    with pytest.raises(NotReadyError, match="away"):
        tried.until(silence)
    assert next(tried.clock) > 30
    assert "choreography may still get new orders" in tried.said[-2]
    assert tried.said[-1] == "take them back by: bandstand switch orchestration"


def test_who_is_refused_for_long_gives_up(tried):
    def refuse(_):
        raise Unavailable("answers 403: wrong token")

    tried.services.switch = refuse
    with pytest.raises(NotReadyError, match="wrong token"):
        try_out(tried.stage, lambda _: None, lambda: next(tried.clock))


@pytest.mark.parametrize(
    ("steps", "timeout", "why"),
    [
        ((50, 10), 60, "ascend"),
        ((50, 50), 60, "ascend"),
        ((100,), 60, "below 100"),
        ((10,), 5, "shorter than --timeout"),
        ((), 2, "longer than 2s"),
    ],
)
def test_steps_that_no_coordination_could_have_are_refused(steps, timeout, why):
    with pytest.raises(typer.BadParameter, match=why):
        _sensible([Step(weight=weight, min_duration="5s") for weight in steps], timeout)


class Watched:
    """A database in which choreography fails while it is broken; and what it was asked."""

    def __init__(self):
        self.broken, self.windows = True, []

    def row(self, _, shape, mode, window, **__):
        self.windows.append(window)
        failed = self.broken and mode is Mode.CHOREOGRAPHY
        return shape(error_share=float(failed), latency_p99=0.1, oldest_saga_age=0.0)


def test_who_tries_again_is_judged_by_nothing_of_the_trial_before(tried):
    """Though it is another process, which remembers none."""
    database = Watched()

    def patience(wait):
        tried.services.now += timedelta(seconds=wait)

    def once_more():
        stage = Stage(tried.spec, tried.services, database, tried.said.append)
        return try_out(stage, patience)

    assert not once_more().promoted
    assert database.windows[0] == 10
    database.broken, database.windows = False, []
    assert once_more().promoted
    assert 0 < database.windows[0] < 5
