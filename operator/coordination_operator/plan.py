"""What `decide` is told and what it answers with: data alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from coordination_operator.phases import Command
from coordination_operator.status import CoordinationStatus, Left
from coordination_operator.status import Note as Note
from services.kit.message import Mode


@dataclass(frozen=True)
class Past:
    """The route from `changed_at` on, until the next one."""

    mode: Mode
    weight: int
    changed_at: datetime

    def leaves(self, mode: Mode) -> bool:
        """Whether it gave `mode` nothing."""
        return self.weight == (0 if mode is self.mode else 100)


@dataclass(frozen=True)
class Route:
    """As the order service has it at the moment `at` of its own clock."""

    mode: Mode
    weight: int
    epoch: int
    changed_at: datetime
    at: datetime
    open: Mapping[Mode, int]
    ended: Mapping[Mode, int]  # of the orders that this epoch admitted
    history: Sequence[Past] = ()  # the latest first, which is this one; no more than the last few

    def share(self, mode: Mode) -> int:
        """Percent of new sagas that are admitted in `mode`."""
        return self.weight if mode is self.mode else 100 - self.weight


@dataclass(frozen=True)
class Deployed:
    """The orchestrator's replicas: asked for, and ready; and whether they are ours to change."""

    wanted: int
    ready: int
    ours: bool = True


@dataclass(frozen=True)
class Observed:
    """What could be seen; None is what could not, and `unseen` says why, by who was asked. `at` is
    by the clock of who looked, which is compared with no other."""

    at: datetime
    status: CoordinationStatus
    generation: int
    route: Route | None
    left: Mapping[Mode, Left] | None
    orchestrator: Deployed | None
    asked: frozenset[Command] = frozenset()
    unseen: Mapping[str, str] = field(default_factory=dict)

    @property
    def blind(self) -> timedelta:
        """How long the order service has been out of sight until now."""
        since = self.status.blind_since
        return max(self.at - since, timedelta()) if since is not None else timedelta()


@dataclass(frozen=True)
class SetRoute:
    """Compare-and-set: done only if the route still has this epoch."""

    mode: Mode
    weight: int
    seen_epoch: int


@dataclass(frozen=True)
class Scale:
    """The orchestrator's Deployment."""

    replicas: int


@dataclass(frozen=True)
class Measure:
    """Take all measurements once; the result belongs to this epoch. Nothing is looked at from
    before `reach`, which is of an earlier switch; no deadline counts from before `clear_since`."""

    epoch: int
    target: Mode
    reach: timedelta | None = None
    clear_since: datetime | None = None


Wish = SetRoute | Scale


@dataclass(frozen=True)
class Plan:
    """Save `status`, announce what is in it unannounced, then do the first of `wishes` that can be
    done, or where none can be, `measure`: in this order, so that whoever is killed in between is
    followed by somebody who announces the same and comes to the same wishes. `notes` are what there
    is to announce that there was not before."""

    status: CoordinationStatus
    wishes: tuple[Wish, ...] = ()
    measure: Measure | None = None
    notes: tuple[Note, ...] = ()
    consumed: frozenset[Command] = frozenset()
    again: timedelta = timedelta(seconds=15)
