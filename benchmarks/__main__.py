"""`python -m benchmarks`: measures, keeps what it has after each system, and reports."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from benchmarks import page, tables
from benchmarks.growth import grow
from benchmarks.machine import machine
from benchmarks.measure import Bench
from benchmarks.results import Document
from benchmarks.systems import OWN, SYSTEMS
from benchmarks.targets import targets
from lab.cli import end_on_sigterm
from lab.errors import BandstandError, NotReadyError
from lab.output import out, save_json, say
from lab.stack.postgres.binaries import find_system, find_wheel, server_user

HISTORY = "history"
WIDTH = 132
NAMES = tuple(system.name for system in SYSTEMS)
QUICK_HISTORY = 20_000
RESULTS = Path(__file__).with_name("RESULTS.md")


def bench(
    systems: Annotated[
        str, typer.Option(help=f"Of {', '.join((*NAMES, HISTORY))}: which, separated by commas.")
    ] = ",".join((*NAMES, HISTORY)),
    runs: Annotated[int, typer.Option(min=1, max=20, help="Of each system, after a warm-up.")] = 3,
    history: Annotated[
        int, typer.Option(min=1, help="Finished sagas whose effect on the cost is measured.")
    ] = 1_000_000,
    quick: Annotated[
        bool, typer.Option("--quick", help="A fifth of the orders; RESULTS.md stays as it is.")
    ] = False,
    python: Annotated[str, typer.Option(help="The peers' Python.")] = sys.executable,
    folder: Annotated[Path, typer.Option(help="Where bench.json goes.")] = Path("out"),
) -> None:
    """Measure what a saga costs: both modes, the peers, and the floor."""
    chosen = [name.strip() for name in systems.split(",")]
    if unknown := sorted({*chosen} - {*NAMES, HISTORY}):
        raise typer.BadParameter(f"no system {', '.join(unknown)}")
    file = folder / ("bench-quick.json" if quick else "bench.json")
    report = None if quick else RESULTS
    document = load(file)
    bench = Bench(str(Path(python).absolute()), runs, quick, say)
    failures: list[str] = []
    try:
        for system in SYSTEMS:
            if system.name in chosen:
                say(f"{system.name}: {system.settings}")
                with _noted(failures, system.name):
                    found = bench.measure(system)
                    document = _keep(document.with_result(found, NAMES), file, report)
        if HISTORY in chosen:
            ours = [system for system in SYSTEMS if system.name in OWN]
            finished = QUICK_HISTORY if quick else history
            with _noted(failures, HISTORY):
                grown = msgspec.structs.replace(document, growth=grow(bench, ours, finished))
                document = _keep(grown, file, report)
    finally:
        _show(document, file)
    if failures:
        raise NotReadyError("; ".join(failures))


@contextmanager
def _noted(failures: list[str], name: str) -> Iterator[None]:
    """One system that does not work does not cost the others' figures."""
    try:
        yield
    except BandstandError as error:
        say(f"  {name} could not be measured: {error}")
        failures.append(f"{name}: {error}")


def load(file: Path) -> Document:
    """What earlier runs have left; of a system that is measured again only the new one counts."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Document)
    except (FileNotFoundError, msgspec.DecodeError):
        return Document()


def _keep(document: Document, file: Path, report: Path | None) -> Document:
    complete = msgspec.structs.replace(document, machine=machine(_postgres()))
    save_json(complete, file)
    if report:
        page.save(complete, report)
    return complete


def _postgres() -> str:
    """Of the server that the stack prefers."""
    found = find_wheel(server_user()) or find_system(server_user())
    return found.version if found else "in a container"


def _show(document: Document, file: Path) -> None:
    if not document.results:
        return
    parts = [tables.systems(document), tables.cheaper(document), tables.targets(targets(document))]
    if document.growth:
        parts.append(tables.growth(document.growth))
    wide = Console(highlight=False, width=max(out.width, WIDTH))
    for part in parts:
        wide.print(tables.rich(part))
        wide.print()
    out.print(str(file))


def main(arguments: Sequence[str] | None = None) -> int:
    """As `bandstand` ends: an error in a line, 130 after Ctrl-C, when everything is stopped."""
    end_on_sigterm()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(bench)
    try:
        code = app(arguments, prog_name="make bench", standalone_mode=False)
    except BandstandError as error:
        say(f"bench: {error}")
        return error.exit_code
    except typer.TyperException as misuse:
        say(f"bench: {misuse.format_message()}")
        return misuse.exit_code
    return code if isinstance(code, int) else 0


if __name__ == "__main__":
    sys.exit(main())
