"""One fault, under a load of its own."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from lab.chaos.faults.backstage import Backstage
from lab.chaos.faults.kinds import FaultCell, ServerFault
from lab.chaos.faults.messages import disorder, poison
from lab.chaos.faults.network import broker_unreachable, outbox_full
from lab.chaos.faults.replicas import rebalances, stalled_replica
from lab.chaos.faults.seen import Strike
from lab.chaos.faults.servers import broker_killed, database_killed
from lab.chaos.flow import Flow, Played, enter, judged
from lab.chaos.strike import Struck
from lab.chaos.watch import Watch, until
from lab.demo.stage import Stage
from lab.load.door import Door
from lab.load.load import Load
from lab.load.mix import mix
from services.kit.message import Mode

LONGEST_SECONDS = 300
DOOMED_PERCENT, CANCELLED_PERCENT = 20.0, 10.0
FLOWS_SECONDS = 10.0

Player = Callable[[Backstage, Mode], AbstractContextManager[Strike]]

PLAYERS: Mapping[ServerFault, Player] = {
    ServerFault.BROKER_KILLED: broker_killed,
    ServerFault.DATABASE_KILLED: database_killed,
    ServerFault.BROKER_UNREACHABLE: broker_unreachable,
    ServerFault.OUTBOX_FULL: outbox_full,
    ServerFault.REBALANCES: rebalances,
    ServerFault.STALLED_REPLICA: stalled_replica,
    ServerFault.DISORDER: disorder,
    ServerFault.POISON: poison,
}


def perform(
    watch: Watch,
    cell: FaultCell,
    rate: float,
    seed: int,
    known: int,
    tell: Callable[[Struck], None],
) -> Played:
    """What has to be put in place for it is there before the load, and gone after it."""
    stage = watch.stage
    enter(stage, cell.mode)
    load = _load(stage, rate, seed)
    with PLAYERS[cell.point](Backstage(watch), cell.mode) as strike, Flow(load, rate, seed):
        until(lambda: len(load.ledger.placed) >= rate, FLOWS_SECONDS)
        struck = _struck(watch, cell, strike)
        tell(struck)
    return judged(stage, load, [struck], known)


def _struck(watch: Watch, cell: FaultCell, strike: Strike) -> Struck:
    began = watch.now()
    seen = strike()
    ended = watch.now()
    calm = watch.await_calm(ended)
    return Struck(cell, seen.hits, began, watch.now(), calm, ended - began, seen.more)


def _load(stage: Stage, rate: float, seed: int) -> Load:
    planned = mix(round(rate * LONGEST_SECONDS), seed, DOOMED_PERCENT, CANCELLED_PERCENT)
    return Load(planned, Door(stage.stack.services["order"].url), stage.database)
