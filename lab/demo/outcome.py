"""The report of what was played."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

import msgspec

from lab.database import query
from lab.demo.play import Phase
from lab.demo.programme import Programme
from lab.demo.stage import AnyStage
from lab.demo.storm import Storm
from lab.faults import rule_text
from lab.load.summary import ModeSummary
from lab.measure import meter as measuring
from lab.quantiles import Quantiles
from lab.report.figures import OpenRow, timeline
from lab.report.model import FaultCost, Faults, Moment, Policy, Report, Switch
from lab.report.monitoring import Monitoring
from lab.report.panels import Drawn
from lab.verify.invariants import Verdict, title
from services.kit.message import Mode

OPEN_SAGAS = query(measuring.__file__, "open_sagas")
SWITCHES = query(measuring.__file__, "switches")
STUCK = query(measuring.__file__, "stuck")
TIMELINE_SECONDS = 0.1
EFFECTS_TWICE = title("no_effect_happened_twice")


class _Switch(msgspec.Struct):
    epoch: int
    mode: str
    weight: int
    seconds: float
    last_closed_after: float | None


class _Stuck(msgspec.Struct):
    stuck: int


def report(
    stage: AnyStage,
    programme: Programme,
    phases: dict[Mode, Phase],
    storm: Storm,
    verdicts: list[Verdict],
    began: float,
    policies: Mapping[Mode, Policy] = MappingProxyType({}),
    monitoring: Monitoring | None = None,
    panels: list[Drawn] | None = None,
) -> Report:
    """`began` is when the playing did, on the monotonic clock."""
    return Report(
        made_at=datetime.now(UTC),
        seed=programme.seed,
        seconds=round(time.monotonic() - began, 1),
        machine=stage.target.machine(),
        modes={mode: phase.figures for mode, phase in phases.items()},
        switch=_switch(stage, programme, phases, storm, verdicts),
        faults=_faults(programme, phases, storm),
        invariants=verdicts,
        policy={mode: policies[mode] for mode in policies},
        monitoring=monitoring,
        panels=panels,
    )


def _switch(
    stage: AnyStage,
    programme: Programme,
    phases: dict[Mode, Phase],
    storm: Storm,
    verdicts: list[Verdict],
) -> Switch:
    """What was lost, duplicated or stuck is counted over every load of the run. Duplicated are
    orders that do not stand under their key, and effects that happened twice."""
    twice = sum(each.violations for each in verdicts if each.name == EFFECTS_TWICE)
    summaries = [storm.summary, *(each for phase in phases.values() for each in phase.summaries)]
    ids = [*storm.ids, *(each for phase in phases.values() for each in phase.ids)]
    switches = stage.database.rows(SWITCHES, _Switch, ids=storm.ids)
    moments = [_moment(each, storm) for each in switches]
    rows = stage.database.rows(OPEN_SAGAS, OpenRow, ids=storm.ids, every=TIMELINE_SECONDS)
    return Switch(
        switches=len(moments),
        orders=storm.summary.accepted,
        lost=sum(each.lost for each in summaries),
        duplicated=twice + sum(each.duplicated for each in summaries),
        stuck=stage.database.row(STUCK, _Stuck, ids=ids).stuck,
        drain_seconds=[each.drain_seconds for each in moments if each.drain_seconds is not None],
        rate=programme.rate,
        moments=moments,
        timeline=timeline(rows),
    )


def _moment(switch: _Switch, storm: Storm) -> Moment:
    drained = storm.drains.get(switch.epoch)
    closed = switch.last_closed_after
    return Moment(
        seconds=round(switch.seconds, 2),
        mode=switch.mode,
        epoch=switch.epoch,
        drain_seconds=None if drained is None else round(drained, 2),
        last_closed_after=None if closed is None or closed < 0 else round(closed, 2),
    )


def _faults(programme: Programme, phases: dict[Mode, Phase], storm: Storm) -> Faults:
    counted = storm.costs.counted
    return Faults(
        rules=[rule_text(rule) for rule in programme.faults],
        met={
            mode: {
                fault: round(times)
                for fault, times in counted.by("fault", "bandstand_faults_total", mode=mode).items()
            }
            for mode in phases
        },
        restarts=storm.costs.restarts,
        repeated_requests=storm.summary.repeated,
        cost={
            mode: FaultCost(phase.figures.latency_ms, _latency(storm.summary.modes.get(mode)))
            for mode, phase in phases.items()
        },
    )


def _latency(share: ModeSummary | None) -> Quantiles:
    return share.latency_ms if share else Quantiles(0)
