"""Which faults the matrix has beside its crash points, and on whom they fall."""

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum

import msgspec

from services.kit.message import Mode

BOTH_WAYS = "both"
EVERYBODY = "all"
MODES = (Mode.ORCHESTRATION, Mode.CHOREOGRAPHY)


class ServerFault(StrEnum):
    BROKER_KILLED = "broker_killed"
    DATABASE_KILLED = "postgres_killed"
    BROKER_UNREACHABLE = "broker_unreachable"
    OUTBOX_FULL = "outbox_full"
    REBALANCES = "rebalances"
    STALLED_REPLICA = "stalled_replica"
    DISORDER = "duplicates_and_disorder"
    POISON = "poison"


ON_WHOM: Mapping[ServerFault, tuple[str, str]] = {
    ServerFault.BROKER_KILLED: ("kafka", "kafka"),
    ServerFault.DATABASE_KILLED: ("postgres", "postgres"),
    ServerFault.BROKER_UNREACHABLE: ("payment", "payment"),
    ServerFault.OUTBOX_FULL: ("order", "order"),
    ServerFault.REBALANCES: ("orchestrator", "payment"),
    ServerFault.STALLED_REPLICA: ("orchestrator", "payment"),
    ServerFault.DISORDER: (EVERYBODY, EVERYBODY),
    ServerFault.POISON: (EVERYBODY, EVERYBODY),
}
"""In orchestration, and in choreography: a mode's replicas are those of whom it depends on most."""


class FaultCell(msgspec.Struct, frozen=True):
    """Its load has orders that are confirmed, doomed and cancelled: both directions."""

    point: ServerFault
    service: str
    mode: Mode
    direction: str = BOTH_WAYS


def plan_faults(
    faults: Collection[ServerFault], services: Collection[str], modes: Collection[Mode]
) -> list[FaultCell]:
    """An empty collection means all there are."""
    return [
        cell
        for cell in _all()
        if (not faults or cell.point in faults)
        and (not services or cell.service in services)
        and (not modes or cell.mode in modes)
    ]


def _all() -> Iterator[FaultCell]:
    for fault, whom in ON_WHOM.items():
        for mode, service in zip(MODES, whom, strict=True):
            yield FaultCell(fault, service, mode)
