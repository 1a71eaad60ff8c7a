"""What is left to do for a Coordination that is gone, and what to say of it: pure."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from coordination_operator.plan import Deployed, Route, Scale, SetRoute
from coordination_operator.resources import Who
from coordination_operator.status import ALL, Note


class LookedAfter(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What has to be known of an object once it is gone. Kept from before the route is touched
    until the farewell is said, by whichever operator acts then."""

    name: str
    namespace: str
    uid: str
    active_mode: Who
    suspended: bool = False
    replicas: Annotated[int, Meta(ge=1)] = 1


def farewell(active: Who, suspended: bool, route: Route) -> SetRoute | None:
    """No mode is left on trial, unless everything is frozen."""
    if suspended or route.share(active.mode) == ALL:
        return None
    return SetRoute(active.mode, ALL, route.epoch)


def left_behind(gone: LookedAfter, deployed: Deployed | None) -> Scale | None:
    """Nobody fetches the orchestrator back any more when it is needed, so it is there already."""
    away = deployed is not None and not deployed.wanted
    return Scale(gone.replicas) if away and not gone.suspended else None


def last_words(gone: LookedAfter, route: Route) -> Note:
    """Of the route as it is, which is not always as it was to be."""
    said = "nobody looks after it any more"
    for who in Who:
        if route.share(who.mode) == ALL:
            return Note("Deleted", f"{said}; {who} has all new sagas")
    shares = " and ".join(f"{who} {route.share(who.mode)} %" for who in Who)
    why = "it was suspended, so the route stays as it is: " if gone.suspended else ""
    return Note("Deleted", f"{said}; {why}{shares} of new sagas", warning=True)
