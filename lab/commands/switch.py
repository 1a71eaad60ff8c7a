"""`bandstand switch`: new orders in the other mode, live; the old one plays to its end."""

from typing import Annotated

import msgspec
import typer

from lab.commands.where import target_of
from lab.coordination.drain import Drain
from lab.coordination.route import Route, read_route
from lab.coordination.route import switch as change_route
from lab.output import AsJson, print_json, say
from lab.target import Target
from services.kit.message import Mode


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
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait at most.")] = 120.0,
    as_json: AsJson = False,
) -> None:
    """Switch new orders to a mode. Orders under way stay in theirs until they end."""
    target = target_of(context)
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


def _drain(target: Target, mode: Mode, timeout: float) -> float:
    with target.broker() as broker:
        seconds = Drain(mode, target.database(), broker, say).wait(timeout)
    say(f"{mode} has drained in {seconds:.1f} s")
    return seconds
