"""What the auditor says of a schedule: its history is the simulator's, with times of its clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from services.kit.message import SagaId
from services.policy.audit import audit
from services.policy.evidence import UNDONE, Answer, Era, Findings, History, events_of
from services.policy.steps import DONE, PLACED, POINTS
from tests.simulator.repositories import OrderRow

if TYPE_CHECKING:
    from tests.simulator.world import World

KINDS = {PLACED, *DONE.values(), *UNDONE}


def audited(world: World) -> Findings:
    histories = [_history(world, order, row) for order, row in world.book.orders.items()]
    return audit([_era(world, version) for version in world.applied_at], histories)


def _era(world: World, version: int) -> Era:
    """Who heard of a newer version without this one has not been behind since then."""
    applied_at = world.applied_at[version]
    since: dict[str, float] = {}
    behind: dict[str, list[tuple[float, float]]] = {}
    for replica in world.replicas:
        name = replica.blueprint.service
        if replica.name.startswith(tuple(POINTS)):
            at = min(at for each, at in replica.heard_at.items() if each >= version)
            since[name] = min(at, since.get(name, at))
            behind.setdefault(name, []).append((applied_at, at))
    rules = msgspec.structs.replace(world.rule_sets[version], applied_at=applied_at)
    return Era(rules, since, behind)


def _history(world: World, order: SagaId, row: OrderRow) -> History:
    told = dict(_told(world, order))
    answers = tuple(
        Answer(rule, row.held_until[rule], said, row.answered_at.get(rule))
        for rule, said in row.holds.items()
    )
    return History(order, row.mode, row.placed, events_of(told.pop(PLACED), told.items()), answers)


def _told(world: World, order: SagaId) -> Iterator[tuple[str, float]]:
    """Each fact's first time."""
    moments: dict[str, float] = {}
    for store in world.stores.values():
        for message_id, at in store.told.items():
            saga, _, kind = message_id.rpartition(":")[0].partition(":")
            if saga == order and kind in KINDS:
                moments[kind] = min(at, moments.get(kind, at))
    yield from moments.items()
