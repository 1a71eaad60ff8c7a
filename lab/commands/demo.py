"""`bandstand demo`: the whole story in a few minutes."""

import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Annotated

import typer

from lab.commands.report import show
from lab.commands.verify import table
from lab.demo.outcome import report
from lab.demo.play import Phase, play
from lab.demo.policy import acting_unasked, rule_change
from lab.demo.programme import FEWEST_ORDERS, ORDER_OF_MODES, Programme, programme
from lab.demo.stage import Stage, on_stage
from lab.demo.storm import Storm, weather
from lab.demo.traces import Traces, gather, keep
from lab.errors import BandstandError, ViolationError
from lab.load.progress import Bars
from lab.monitor.experiment import monitor
from lab.output import AsJson, err, out, print_json, say
from lab.panels.look import looking_on
from lab.report.model import Policy, Report
from lab.report.monitoring import Monitoring
from lab.report.tables import in_words
from lab.stack.options import StackOptions
from lab.stack.progress import spinner
from lab.stack.run import running_stack
from lab.stack.state import Stack
from lab.verify.invariants import verify
from services.kit.faults import Catalogue
from services.kit.message import Mode

INTRODUCTION = {
    Mode.ORCHESTRATION: "The orchestra: one conductor tells each service what to do next.",
    Mode.CHOREOGRAPHY: "The jazz band: no conductor, everyone plays to what they hear.",
}


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="End and stop everything after the report.")
    ] = False,
    orders: Annotated[
        int, typer.Option(min=FEWEST_ORDERS, max=100_000, help="In each mode, and in the storm.")
    ] = 1200,
    seed: Annotated[int, typer.Option(help="The same seed places the same orders.")] = 1,
    folder: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("out"),
    as_json: AsJson = False,
) -> None:
    """The same orders in both modes, then switched live with faults on; verified and reported."""
    began = time.monotonic()
    say("Tuning up: Kafka, PostgreSQL and six services.")
    with ExitStack() as exits:
        with spinner(err) as progress:
            running = exits.enter_context(running_stack(StackOptions(traces=True), progress))
        found, traces = _perform(running.stack, programme(orders, seed), began)
        _tell(found, folder, as_json)
        if traces:
            _tell_traces(traces, folder)
        if not found.sound:
            raise ViolationError("a promise was broken; the report says which")
        if not once and sys.stdout.isatty():
            _stay(running.stack, traces)


def _perform(stack: Stack, programme: Programme, began: float) -> tuple[Report, Traces | None]:
    with on_stage(stack) as stage, looking_on(stack, say) as panels:
        stage.set_faults(Catalogue())
        phases = {mode: _phase(stage, mode, programme) for mode in ORDER_OF_MODES}
        undisturbed = [order for phase in phases.values() for order in phase.steady]
        traces = _gathered(stack, undisturbed)
        storm = _storm(stage, programme)
        policies = _policies(stage, programme)
        monitoring = _monitoring(stage, programme)
        say("\nEvery promise, checked over all that ran so far.")
        verdicts = list(verify(stage.database))
        policies = _unasked(stage, programme, policies)
        found = report(
            stage, programme, phases, storm, verdicts, began, policies, monitoring, panels()
        )
        return found, traces


def _gathered(stack: Stack, orders: list[str]) -> Traces | None:
    """A demo without them is one, and says so."""
    try:
        return gather(stack, orders)
    except BandstandError as missing:
        say(f"\nNo traces to compare: {missing}")
        return None


def _phase(stage: Stage, mode: Mode, programme: Programme) -> Phase:
    say(f"\n{INTRODUCTION[mode]}")
    return play(stage, mode, programme, _narrate)


def _storm(stage: Stage, programme: Programme) -> Storm:
    say("\nNow switched live, while services fail, stall, repeat themselves and are killed.")
    with Bars(programme.storm) as bars:
        storm = weather(stage, programme, bars, _narrate)
    killed = sum(storm.costs.restarts.values())
    _narrate(
        f"{storm.summary.accepted:,} orders; {killed} times a process was killed and restarted"
    )
    return storm


def _policies(stage: Stage, programme: Programme) -> dict[Mode, Policy]:
    say("\nOne more rule, while orders come in: told to a conductor, and to every player.")
    found = {}
    for mode in ORDER_OF_MODES:
        say(f"  {mode}")
        found[mode] = rule_change(stage, mode, programme, lambda told: _narrate(f"  {told}"))
    return found


def _unasked(
    stage: Stage, programme: Programme, policies: dict[Mode, Policy]
) -> dict[Mode, Policy]:
    say("\nLast, and unasked, payment takes money: that may break promises, and who notices?")
    found = {}
    for mode, policy in policies.items():
        say(f"  {mode}")
        found[mode] = acting_unasked(
            stage, mode, programme, policy, lambda told: _narrate(f"  {told}")
        )
    return found


def _monitoring(stage: Stage, programme: Programme) -> Monitoring:
    say("\nNow some orders stand still. Who notices, and who can tell why?")
    found = monitor(stage, programme.seed, _narrate)
    for variant, watched in found.variants.items():
        _narrate(f"{variant}: {in_words(watched)}")
    return found


def _tell(found: Report, folder: Path, as_json: bool) -> None:
    from lab.report.page import write  # plotly takes a second to import

    page = write(found, folder)
    if as_json:
        print_json(found)
        return
    out.print(table(found.invariants))
    out.print()
    show(found, page)


def _tell_traces(found: Traces, folder: Path) -> None:
    modes, page = keep(found, folder)
    hops = " and ".join(f"{each.hops:g} in {mode}" for mode, each in modes.items())
    orphans = sum(each.orphans for each in modes.values())
    say(f"{len(found.trees)} traces: {hops} hops on the critical path, {orphans} orphans.")
    say(f"an order of each mode on one time scale: {page.resolve().as_uri()}")


def _stay(stack: Stack, traces: Traces | None) -> None:
    """Ctrl-C is how this ends well."""
    say("\nThe stack stays up; Ctrl-C ends it. In another terminal: bandstand switch, load, saga.")
    for name, service in stack.services.items():
        say(f"  {name:<13} {service.url}/docs")
    for mode, page in traces.newest.items() if traces else ():
        say(f"  a trace, {mode}: {page}")
    with suppress(KeyboardInterrupt):
        while True:
            time.sleep(3600)


def _narrate(message: str) -> None:
    say(f"  {message}")
