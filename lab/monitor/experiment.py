"""The whole experiment: a burst in each mode, then sagas of both that stand still."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

import msgspec

from lab.api import Api, ProblemError
from lab.demo.stage import Stage
from lab.errors import NotReadyError
from lab.monitor.exposition import Sample, samples
from lab.monitor.knowing import (
    ORCHESTRATOR,
    Knowing,
    await_caught_up,
    conductor,
    knowing,
    timeline,
    tracking,
)
from lab.monitor.series import of_mode
from lab.monitor.stall import FAULT, OF_MODE, SCATTERED, Stalled, stall
from lab.monitor.tracker import tracker
from lab.quantiles import measured
from lab.report.monitoring import CONDUCTED, TRACKED, UNTRACKED, Monitoring, Watched
from lab.stack.home import Home
from lab.stack.options import SERVICES, TRACKER
from lab.stack.supervisor import processes
from observability.dashboards.questions import NEEDED
from services.kit.message import Mode

BURST, STALLED = 300, 24
TRACES = 50
KNOWERS = {UNTRACKED: None, TRACKED: TRACKER, CONDUCTED: ORCHESTRATOR}
Narrate = Callable[[str], None]


def monitor(stage: Stage, seed: int, narrate: Narrate) -> Monitoring:
    with tracker(stage.stack) as (url, pid):
        known = _bursts(stage, seed, pid, narrate)
        urls = {name: each.url for name, each in stage.stack.services.items()} | {TRACKER: url}
        narrate(f"{STALLED} orders whose shipment the carrier sits on, half in each mode")
        stalled = stall(stage, STALLED, seed, urls)
        exposed = _exposed(stage, url)
    bytes_of = {mode: _span_bytes(stage, mode) for mode in Mode}
    return Monitoring(
        fault=FAULT,
        stalled={mode: len(placed) for mode, placed in stalled.placed.items()},
        orders=BURST,
        scattered=stalled.answers[SCATTERED],
        variants={
            variant: _watched(variant, stalled, known, exposed, bytes_of[mode])
            for variant, mode in OF_MODE.items()
        },
    )


def _bursts(stage: Stage, seed: int, pid: int, narrate: Narrate) -> dict[str, Knowing]:
    await_caught_up(stage)
    home = Home(Path(stage.stack.home))
    conducting = {each.name: each.pid for each in processes(home) if _conducts(each.name)}
    narrate(f"{BURST} orders in each mode, with a saga-tracker looking on")
    band = {UNTRACKED: timeline(), TRACKED: tracking(pid)}
    orchestra = {CONDUCTED: conductor(conducting)}
    return {
        **knowing(stage, Mode.CHOREOGRAPHY, BURST, seed, band),
        **knowing(stage, Mode.ORCHESTRATION, BURST, seed, orchestra),
    }


def _conducts(process: str) -> bool:
    return process.rpartition("-")[0] == ORCHESTRATOR


def _watched(
    variant: str,
    stalled: Stalled,
    known: Mapping[str, Knowing],
    exposed: Mapping[str, list[Sample]],
    span_bytes: float | None,
) -> Watched:
    knower, found, answers = KNOWERS[variant], known[variant], stalled.answers[variant]
    players = [name for name in SERVICES if name != ORCHESTRATOR]
    return Watched(
        noticed=len(stalled.noticed[variant].at),
        noticed_ms=measured(stalled.after_ms(variant)),
        said=stalled.noticed[variant].said,
        asked=answers.asked,
        right=answers.right,
        places=answers.places,
        answer_ms=answers.ms,
        known_share=found.known_share,
        current_share=found.current_share,
        lag_ms=found.lag_ms,
        queries=NEEDED[variant],
        series=of_mode(OF_MODE[variant], exposed, [*players, *([knower] if knower else [])]),
        span_bytes_per_order=span_bytes,
        knower_cpu_ms_per_order=found.cpu_ms_per_order,
        word=stalled.words.get(variant),
    )


def _exposed(stage: Stage, tracker_url: str) -> dict[str, list[Sample]]:
    """One process of each service."""
    urls = {name: each.url for name, each in stage.stack.services.items()}
    found = {}
    for name, url in (urls | {TRACKER: tracker_url}).items():
        with Api(url) as api:
            found[name] = list(samples(api.text("/metrics")))
    return found


def _span_bytes(stage: Stage, mode: Mode) -> float | None:
    """Of the last traced sagas, as the trace backend tells them; None where there is none."""
    if stage.stack.traces is None:
        return None
    query = urlencode(
        {
            "serviceName": "order",
            "spanName": "saga order",
            "annotationQuery": f"saga.mode={mode}",
            "limit": TRACES,
            "lookback": 3_600_000,
        }
    )
    with suppress(ProblemError, NotReadyError), Api(stage.stack.traces) as api:
        text = api.text(f"/api/v2/traces?{query}")
        traces = msgspec.json.decode(text, type=list[list[msgspec.Raw]])
        if traces:
            return round(sum(len(span) for spans in traces for span in spans) / len(traces))
    return None
