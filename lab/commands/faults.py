"""`bandstand faults`: what goes wrong on purpose, shown, set and switched off."""

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from lab.commands.where import target_of
from lab.faults import EXAMPLES, parse_rule, read_faults, rule_text, set_faults
from lab.output import AsJson, out, print_json, say
from lab.target import Target
from services.kit.faults import Catalogue, Rule

app = typer.Typer(help="Let things go wrong on purpose, in both modes alike.", no_args_is_help=True)

Service = Annotated[
    list[str] | None, typer.Option(help="Only this service; may be given several times.")
]


def _rule(text: str) -> Rule:
    try:
        return parse_rule(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


@app.command("show")
def show(context: typer.Context, as_json: AsJson = False) -> None:
    """The rules in force, by service."""
    found = {name: read_faults(url) for name, url in target_of(context).urls().items()}
    if as_json:
        print_json(found)
        return
    table = Table("service", "seed", "rules", box=None, pad_edge=False, header_style="bold")
    for name, catalogue in found.items():
        rules = ", ".join(map(rule_text, catalogue.rules)) or "none"
        table.add_row(name, str(catalogue.seed), rules)
    out.print(table)


@app.command("set")
def set_rules(
    context: typer.Context,
    rules: Annotated[
        list[Rule], typer.Argument(parser=_rule, metavar="RULE...", help=f"Such as {EXAMPLES}.")
    ],
    service: Service = None,
    seed: Annotated[int, typer.Option(help="Decides which messages are hit.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Replace the rules."""
    _put(context, Catalogue(seed, tuple(rules)), service, as_json)


@app.command("off")
def off(context: typer.Context, service: Service = None, as_json: AsJson = False) -> None:
    """No more faults."""
    _put(context, Catalogue(), service, as_json)


def _put(
    context: typer.Context, catalogue: Catalogue, only: list[str] | None, as_json: bool
) -> None:
    target = target_of(context)
    names = _chosen(target, only)
    for name in names:
        set_faults(target.instances(name), target.token, catalogue)
    if as_json:
        print_json({"services": names, "catalogue": msgspec.to_builtins(catalogue)})
    else:
        rules = ", ".join(map(rule_text, catalogue.rules)) or "no faults"
        say(f"{rules} on {', '.join(names)}")


def _chosen(target: Target, only: list[str] | None) -> list[str]:
    names = list(target.services)
    if unknown := sorted(set(only or []) - set(names)):
        raise typer.BadParameter(f"no service {', '.join(unknown)}; there are {', '.join(names)}")
    return only or names
