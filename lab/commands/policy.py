"""`bandstand policy`: the same rules for both modes: applied, shown, answered and audited."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column, Table

from lab.commands.where import target_of
from lab.errors import NotReadyError, ViolationError
from lab.output import AsJson, out, print_json, say
from lab.policy.audit import audit_stack
from lab.policy.decisions import decisions_of
from lab.policy.rules import Holds, InForce, apply, await_enforced, in_force, read_file
from services.order.policing import SETTLED_SECONDS
from services.policy.evidence import Findings

app = typer.Typer(help="One set of rules, enforced by whoever coordinates.", no_args_is_help=True)

Order = Annotated[str, typer.Argument(help="The order's id.")]


@app.command("apply")
def apply_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="YAML, JSON or TOML with a list of `rules`.")],
    timeout: Annotated[float, typer.Option(min=0, help="Seconds to wait for all points.")] = 10.0,
    as_json: AsJson = False,
) -> None:
    """Replace the rules, and wait until every point enforces them."""
    rules = read_file(file)
    with target_of(context).order_api() as order:
        version = apply(order, rules, say).version
        found = await_enforced(order, version, timeout)
    _show_status(found, as_json)
    if found.behind():
        raise NotReadyError(f"version {version} is not enforced everywhere after {timeout:g} s")


@app.command("show")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """The rules in force."""
    with target_of(context).order_api() as order:
        found = in_force(order)
    if as_json:
        print_json(found.rules)
        return
    table = Table("rule", "guards", "effect", "mode", "when", box=None, pad_edge=False)
    for rule in found.rules:
        when = rule.when if not rule.after else f"{rule.when}, after {', '.join(rule.after)}"
        table.add_row(rule.name, rule.guards, rule.effect, rule.mode, when)
    out.print(table if found.rules else "no rules")


@app.command("off")
def off(context: typer.Context, as_json: AsJson = False) -> None:
    """No more rules."""
    with target_of(context).order_api() as order:
        found = await_enforced(order, apply(order, (), say).version, 10.0)
    _show_status(found, as_json)


@app.command("status")
def status(context: typer.Context, as_json: AsJson = False) -> None:
    """Where the rules are enforced, by version."""
    with target_of(context).order_api() as order:
        _show_status(in_force(order), as_json)


def _show_status(found: InForce, as_json: bool) -> None:
    if as_json:
        print_json(found)
        return
    table = Table("point", "for sagas in", "version", "since", box=None, pad_edge=False)
    for point in found.points:
        since = f"{point.at:%Y-%m-%d %H:%M:%S}"
        table.add_row(point.instance, point.mode, str(point.version), since)
    out.print(f"version {found.version}, {len(found.rules)} rules")
    out.print(table)
    for point in found.missed:
        said = f"its last word, at {point.at:%H:%M:%S}, was of version {point.version}"
        out.print(f"{point.instance} is silent and has not said that it leaves; {said}")


@app.command("holds")
def holds(context: typer.Context, as_json: AsJson = False) -> None:
    """What waits for an answer."""
    with target_of(context).order_api() as order:
        found = order.get("/holds", Holds).holds
    if as_json:
        print_json(found)
        return
    table = Table(_orders(), "rule", "step", "until", box=None, pad_edge=False)
    for hold in found:
        table.add_row(hold.order_id, hold.rule, hold.step, f"{hold.until:%H:%M:%S}")
    out.print(table if found else "nothing is held")


@app.command("approve")
def approve(context: typer.Context, order_id: Order) -> None:
    """Let a held order go on."""
    _answer(context, order_id, "approve")


@app.command("decline")
def decline(context: typer.Context, order_id: Order) -> None:
    """Refuse a held order."""
    _answer(context, order_id, "decline")


def _answer(context: typer.Context, order_id: str, answer: str) -> None:
    with target_of(context).order_api() as order:
        order.tell("POST", f"/orders/{order_id}/{answer}")
    say(f"{order_id}: {answer}d")


@app.command("decisions")
def decisions(context: typer.Context, order_id: Order, as_json: AsJson = False) -> None:
    """Every rule's word on an order's steps, and who said it."""
    found = decisions_of(target_of(context).urls(), order_id)
    if as_json:
        print_json(found)
        return
    columns = ("at", "decided by", "step", "rule", "version", "outcome", "why")
    table = Table(*columns, box=None, pad_edge=False)
    for each in found:
        outcome = each.outcome if each.enforced else f"({each.outcome})"
        said = (each.step, each.rule, str(each.version), outcome, each.why)
        table.add_row(f"{each.at:%H:%M:%S.%f}"[:-3], each.decided_by, *said)
    out.print(table if found else "no rule was asked")


def _orders() -> Column:
    """An id that is cut short is of no use to whoever wants to answer."""
    return Column("order", no_wrap=True, min_width=36)


def _show_findings(found: Findings) -> None:
    table = Table(_orders(), "mode", "step", "rule", "version", "", box=None, pad_edge=False)
    for each in found.violations:
        said = (each.step, each.rule, str(each.version), f"{each.kind}: {each.why}")
        table.add_row(each.order_id, each.mode, *said)
    coverage = "" if found.coverage is None else f", {found.coverage:.0%} of them under a rule"
    out.print(f"{found.orders:,} orders, {found.steps:,} steps{coverage}")
    out.print(table if found.violations else "no violation")


@app.command("audit")
def audit(context: typer.Context, as_json: AsJson = False) -> None:
    """Replay all orders that were closed 5 s ago against the rules of their time; fails if a rule
    was bypassed."""
    found = audit_stack(target_of(context).database(), settled_seconds=SETTLED_SECONDS)
    if as_json:
        print_json(found)
    else:
        _show_findings(found)
    bypasses = [each for each in found.violations if each.kind == "bypass"]
    if bypasses:
        raise ViolationError(f"{len(bypasses)} steps were done past a rule")
