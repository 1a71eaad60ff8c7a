"""`bandstand dead-letters`: what a service could not handle, looked at, sent again, or let go."""

from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from lab.commands.where import target_of
from lab.errors import BandstandError
from lab.letters import choose, views
from lab.letters.letter import Letter
from lab.letters.office import Office, Sent
from lab.letters.outcome import await_read
from lab.output import AsJson, out, print_json, say
from lab.stack.options import SERVICES
from lab.target import Target

app = typer.Typer(
    help="What services could not handle: list, show, replay, discard.", no_args_is_help=True
)

Ids = Annotated[
    list[str], typer.Argument(metavar="ID", help="Ids, or their first characters (4 or more).")
]


def _service(name: str | None) -> str | None:
    if name is not None and name not in SERVICES:
        raise typer.BadParameter(f"no service {name}; there are {', '.join(SERVICES)}")
    return name


Service = Annotated[
    str | None, typer.Option(callback=_service, help="Only what this service could not handle.")
]
Order = Annotated[str | None, typer.Option(metavar="ID", help="Only those of this order.")]


class CameBackError(BandstandError):
    """A replay could not be handled either."""


@app.command("list")
def show_list(
    context: typer.Context,
    service: Service = None,
    order: Order = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also those that were replayed or discarded.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What waits for somebody to look at it."""
    with target_of(context).office() as office:
        letters = choose.matching(office.letters(), service, order, resolved=True)
    shown = letters if everything else choose.matching(letters, None, None)
    if as_json:
        print_json({"letters": [views.summary(letter) for letter in shown]})
        return
    for line in views.listing(shown) if shown else ():
        out.print(line)
    say(views.counts(letters))


@app.command("show")
def show_one(
    context: typer.Context,
    letter_id: Annotated[str, typer.Argument(metavar="ID", help="An id, or its beginning.")],
    as_json: AsJson = False,
) -> None:
    """One dead letter: why, where it comes from, its trace, its headers and its payload."""
    with target_of(context).office() as office:
        letters = office.letters()
    (letter,) = choose.named(letters, [letter_id])
    returned = choose.came_back(letters, [letter])
    if as_json:
        back = [views.summary(other) for other in returned]
        print_json({**views.detail(letter), "came_back": back})
    else:
        _show(letter, returned)


@app.command("replay")
def replay(
    context: typer.Context,
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="ID", help="Ids, or their first characters (4 or more)."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are open.")] = False,
    service: Service = None,
    order: Order = None,
    again: Annotated[
        bool,
        typer.Option("--again", help="Also what was replayed or discarded before; needs IDs."),
    ] = False,
    wait: Annotated[
        bool, typer.Option("--wait", help="Until they are read; fails if any comes back.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait at most.")] = 30.0,
    as_json: AsJson = False,
) -> None:
    """Send messages again to whoever could not handle them. What was handled is not done twice."""
    if bool(ids) == everything:
        raise typer.BadParameter("either IDs or --all")
    if everything and again:
        raise typer.BadParameter("--again needs IDs")
    if ids and (service or order):
        raise typer.BadParameter("--service and --order choose among --all")
    target = target_of(context)
    with target.office() as office:
        letters = office.letters()
        chosen = choose.named(letters, ids) if ids else choose.matching(letters, service, order)
        plan = choose.to_replay(chosen, again)
        sent = office.replay(plan.todo)
        returned = _await(target, office, plan.todo, sent, timeout) if wait else []
    for place in sent:
        say(f"{place.id} to {place.topic}, for {place.reader}")
    back = [views.summary(letter) for letter in returned]
    _tell(plan, "replayed", as_json, {"sent": sent, "came_back": back})
    if returned:
        raise CameBackError("; ".join(f"{one.replay_of} came back as {one.id}" for one in returned))


@app.command("discard")
def discard(
    context: typer.Context,
    ids: Ids,
    reason: Annotated[str, typer.Option(help="Why nobody needs it any more; it is recorded.")],
    as_json: AsJson = False,
) -> None:
    """Let messages go for good, and say why."""
    if not reason.strip():
        raise typer.BadParameter("--reason must say something")
    with target_of(context).office() as office:
        plan = choose.to_discard(choose.named(office.letters(), ids))
        office.discard(plan.todo, reason.strip())
    _tell(plan, "discarded", as_json)


def _await(
    target: Target, office: Office, replayed: list[Letter], sent: list[Sent], timeout: float
) -> list[Letter]:
    with target.broker() as broker:
        await_read(broker, sent, timeout)
    return choose.came_back(office.letters(), replayed)


def _tell(plan: choose.Plan, what: str, as_json: bool, more: dict[str, Any] | None = None) -> None:
    todo, done = ([letter.id for letter in found] for found in (plan.todo, plan.done))
    if as_json:
        print_json({what: todo, "before": done, **(more or {})})
    for letter in plan.done:
        say(f"nothing to do: {choose.said(letter)}")
    say(f"{len(todo)} {what}")


def _show(letter: Letter, returned: list[Letter]) -> None:
    about = Table(box=None, pad_edge=False, show_header=False)
    about.add_column(style="bold")
    about.add_column(overflow="fold")
    for name, text in views.lines(letter, returned):
        about.add_row(name, escape(text))
    out.print(about)
    payload = views.payload_of(letter)
    if isinstance(payload, str):
        out.print(payload, markup=False)
    else:
        out.print_json(data=payload)
