"""`bandstand faults`: what goes wrong on purpose, shown, set and switched off."""

from typing import Annotated

import msgspec
import typer
from rich.table import Table

from lab.faults import EXAMPLES, parse_rule, read_faults, rule_text, set_faults
from lab.output import AsJson, out, print_json, say
from lab.stack.state import Stack, load_stack
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
def show(as_json: AsJson = False) -> None:
    """The rules in force, by service."""
    stack = load_stack()
    found = {name: read_faults(service.url) for name, service in stack.services.items()}
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
    rules: Annotated[
        list[Rule], typer.Argument(parser=_rule, metavar="RULE...", help=f"Such as {EXAMPLES}.")
    ],
    service: Service = None,
    seed: Annotated[int, typer.Option(help="Decides which messages are hit.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Replace the rules."""
    _put(Catalogue(seed, tuple(rules)), service, as_json)


@app.command("off")
def off(service: Service = None, as_json: AsJson = False) -> None:
    """No more faults."""
    _put(Catalogue(), service, as_json)


def _put(catalogue: Catalogue, only: list[str] | None, as_json: bool) -> None:
    stack = load_stack()
    names = _chosen(stack, only)
    for name in names:
        urls = [instance.url for instance in stack.services[name].instances]
        set_faults(urls, stack.token, catalogue)
    if as_json:
        print_json({"services": names, "catalogue": msgspec.to_builtins(catalogue)})
    else:
        rules = ", ".join(map(rule_text, catalogue.rules)) or "no faults"
        say(f"{rules} on {', '.join(names)}")


def _chosen(stack: Stack, only: list[str] | None) -> list[str]:
    names = list(stack.services)
    if unknown := sorted(set(only or []) - set(names)):
        raise typer.BadParameter(f"no service {', '.join(unknown)}; there are {', '.join(names)}")
    return only or names
