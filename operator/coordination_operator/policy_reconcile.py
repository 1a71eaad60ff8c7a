"""Look at all Policies, decide, save, put in force: until there is nothing to do at once.

As with a Coordination: saved by compare-and-set on each object before anything is done, with what
there is to announce, and the rules changed by compare-and-set on their version; so of two operators
one gives way, and whatever one that is killed had to say is said by the next.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from msgspec.structs import replace

from coordination_operator.errors import Refused, Stale, Unavailable
from coordination_operator.policies import BUSY, decide_policies, farewell
from coordination_operator.policy_plan import (
    InForce,
    PolicyObject,
    PolicyPlan,
    Rules,
    SetRules,
)
from coordination_operator.policy_resources import PolicyStatus
from coordination_operator.policy_union import blamed
from coordination_operator.status import Note

log = logging.getLogger(__name__)

ROUNDS: Final = 8


class PolicyWorld(Protocol):
    """What surrounds `decide_policies`."""

    def look(self) -> list[PolicyObject]: ...

    def rules(self) -> InForce: ...

    def save(self, name: str, status: PolicyStatus) -> None:
        """Stale if the object is no longer the one that was looked at."""

    def put(self, wish: SetRules) -> None:
        """Stale if the rules are no longer those that were seen; Refused if they are no good."""

    def remember(self, version: int, *, alone: bool) -> None:
        """A version as of objects: alone when it is seen in force, next to the ones before when it
        is about to be put in force."""

    def remembered(self) -> Collection[int]: ...

    def forget(self) -> None: ...

    def tell(self, name: str, notes: Sequence[Note]) -> Sequence[Note]:
        """Those that could not be told, and are to be told again."""


class Policies:
    """Keeps nothing that another could not do without: what was refused, so that it is not asked
    again and again. Which versions are of objects is remembered by the world, so that the rules of
    the last one go with it, whoever acts then."""

    def __init__(self, world: PolicyWorld) -> None:
        self._world = world
        self._refusals: dict[tuple[str, Rules], str] = {}

    def reconcile(self) -> timedelta | None:
        """How long it may be until the next time; None: until an object is there again."""
        for _ in range(ROUNDS):
            try:
                plan = self.once()
            except (Stale, Refused):
                continue
            if plan.wish is None:
                return plan.again
        return BUSY

    def once(self) -> PolicyPlan:
        policies = self._world.look()
        if not policies:
            return self._end()
        self._forget_refusals([each.name for each in policies])
        in_force, why = self._seen()
        plan = self._decided(policies, in_force, why)
        if plan.wish is not None:
            try:
                self._put(plan.wish, plan)
            except Refused:
                raise
            except Unavailable as error:
                plan = self._decided(self._world.look(), None, str(error))
        return self._announced(plan)

    def _announced(self, plan: PolicyPlan) -> PolicyPlan:
        """At least once each: what cannot be said now is said soon, and holds up nothing."""
        again = plan.again
        for name, status in plan.statuses.items():
            if not status.unannounced:
                continue
            told = replace(status, unannounced=tuple(self._world.tell(name, status.unannounced)))
            if told != status:
                self._world.save(name, told)
            if told.unannounced:
                again = BUSY
        return dataclasses.replace(plan, again=again)

    def _decided(
        self, policies: Sequence[PolicyObject], in_force: InForce | None, why: str
    ) -> PolicyPlan:
        """And saved, where it is not what was there before."""
        plan = decide_policies(policies, in_force, datetime.now(UTC), self._refusals, why)
        for each in policies:
            if plan.statuses[each.name] != each.status:
                self._world.save(each.name, plan.statuses[each.name])
        if in_force is not None and plan.wish is None:
            self._world.remember(in_force.version, alone=True)
        return plan

    def _end(self) -> PolicyPlan:
        ours = self._world.remembered()
        if not ours:
            return PolicyPlan()
        in_force, _ = self._seen()
        plan = farewell(in_force, ours)
        if plan.wish is not None:
            self._world.put(plan.wish)
        elif in_force is not None:
            self._world.forget()
        return plan

    def _seen(self) -> tuple[InForce | None, str]:
        try:
            return self._world.rules(), ""
        except Unavailable as error:
            return None, str(error)

    def _forget_refusals(self, names: Sequence[str]) -> None:
        """Of objects that are gone: the next one of that name starts anew."""
        self._refusals = {key: said for key, said in self._refusals.items() if key[0] in names}

    def _put(self, wish: SetRules, plan: PolicyPlan) -> None:
        self._world.remember(wish.seen_version + 1, alone=False)
        try:
            self._world.put(wish)
        except Refused as error:
            said = str(error)
            proposing = [name for name, status in plan.statuses.items() if status.proposed]
            for name in blamed(plan.shares, said, proposing):
                self._refusals[name, plan.shares[name]] = said
            log.warning("refused: %s", said)
            raise
