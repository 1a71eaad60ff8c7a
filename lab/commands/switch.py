"""`bandstand switch`: new orders in the other mode, live; the old one plays to its end."""

from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer

from coordination_operator.http import Http
from coordination_operator.resources import CoordinationSpec, Step, length
from coordination_operator.services_api import Services
from coordination_operator.status import ALL
from lab.commands.where import target_of
from lab.coordination.drain import Drain
from lab.coordination.route import Route, read_route
from lab.coordination.route import switch as change_route
from lab.coordination.trial import RolledBackError, Stage, a_spec, try_out
from lab.output import AsJson, print_json, say
from lab.target import Target
from services.kit.message import Mode

STEPS = (Step(weight=10, min_duration="5s"), Step(weight=50, min_duration="5s"))
INTERVAL = "2s"


def _step(text: str) -> Step:
    """`10` or `10:30s`: percent of new orders, and for how long."""
    weight, _, duration = text.partition(":")
    try:
        return msgspec.convert(
            {"weight": int(weight), "minDuration": duration or "5s"}, Step, strict=True
        )
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no step such as 10:30s ({error})") from error


def _sensible(steps: Sequence[Step], timeout: float) -> Sequence[Step]:
    """What the API server would refuse in a Coordination makes no sense here, either."""
    weights = [step.weight for step in steps]
    if weights != sorted(set(weights)):
        raise typer.BadParameter("the percentages of --step must ascend")
    if weights == [ALL]:
        raise typer.BadParameter("nothing can be judged without a --step below 100")
    if any(length(step.min_duration).total_seconds() >= timeout for step in steps):
        raise typer.BadParameter("every --step must be shorter than --timeout")
    if length(INTERVAL).total_seconds() >= timeout:
        raise typer.BadParameter(f"--timeout must be longer than {INTERVAL}: nothing is measured")
    return steps


class Switched(msgspec.Struct, frozen=True):
    before: Route
    after: Route
    drained: Mode | None
    drain_seconds: float | None


def switch(
    context: typer.Context,
    mode: Annotated[Mode, typer.Argument(help="Who is to coordinate new orders.")],
    weight: Annotated[
        int, typer.Option(min=0, max=100, help="Percent of new orders that go there.")
    ] = 100,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until the mode that gets no more orders has drained.")
    ] = False,
    analysis: Annotated[
        bool,
        typer.Option(
            "--analysis", help="In steps, judged by what ends; back by itself when it hurts."
        ),
    ] = False,
    steps: Annotated[
        list[Step] | None,
        typer.Option(
            "--step", parser=_step, metavar="PERCENT[:TIME]", help="Repeatable. [10:5s 50:5s]"
        ),
    ] = None,
    timeout: Annotated[
        float, typer.Option(min=1, help="Seconds to wait at most; with --analysis, in each step.")
    ] = 120.0,
    as_json: AsJson = False,
) -> None:
    """Switch new orders to a mode. Orders under way stay in theirs until they end."""
    target = target_of(context)
    if analysis or steps:
        if weight != ALL:
            raise typer.BadParameter("--analysis goes up its own steps; leave --weight out")
        spec = a_spec(mode, _sensible(steps or STEPS, timeout), INTERVAL, timeout)
        _tried(target, spec, as_json)
        return
    with target.order_api() as order:
        before = read_route(order)
        after = change_route(order, mode, weight, say)
    say(f"{before.text} → {after.text}")
    left = next((each for each in Mode if after.leaves(each)), None)
    seconds = _drain(target, left, timeout) if wait and left else None
    if wait and left is None:
        say("both modes get new orders: nothing to drain")
    if as_json:
        print_json(Switched(before, after, left if seconds is not None else None, seconds))


def _tried(target: Target, spec: CoordinationSpec, as_json: bool) -> None:
    services = Services(Http(), target.urls(), target.token)
    trial = try_out(Stage(spec, services, target.database(), say))
    if as_json:
        print_json(trial)
    if not trial.promoted:
        raise RolledBackError(f"rolled back to {trial.source.mode}; {trial.reason}")
    say(f"{trial.target.mode} has all new orders, after {trial.seconds:.0f} s")


def _drain(target: Target, mode: Mode, timeout: float) -> float:
    with target.broker() as broker:
        seconds = Drain(mode, target.database(), broker, say).wait(timeout)
    say(f"{mode} has drained in {seconds:.1f} s")
    return seconds
