"""Says farewell to a Coordination that is gone, again and again until it was said.

Its deletion waits for nobody: whoever acts when it is found to be gone, now or after having been
away, does what is left to do, tells the route as it is then, and forgets it last of all.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from coordination_operator.asking import Gone, Replaced
from coordination_operator.cluster import Coordination
from coordination_operator.errors import Stale, Unavailable
from coordination_operator.events import Events
from coordination_operator.farewell import LookedAfter, farewell, last_words, left_behind
from coordination_operator.memory import Memory
from coordination_operator.orchestrator import Orchestrator
from coordination_operator.plan import Deployed
from coordination_operator.reconcile import World, reconcile
from coordination_operator.services_api import Services
from coordination_operator.telemetry import Metrics

log = logging.getLogger(__name__)

ROUNDS: Final = 8
RETRY: Final = timedelta(seconds=2)


def look_after(world: World, parting: Parting) -> timedelta | None:
    """None: until something happens. A successor begins where its predecessor's farewell ends."""
    try:
        return reconcile(world)
    except Replaced:
        return parting.say() or timedelta()
    except Gone:
        return parting.say()


class Parting:
    def __init__(
        self,
        memory: Memory,
        services: Services,
        orchestrator: Orchestrator,
        events: Events,
        metrics: Metrics,
    ) -> None:
        self._memory = memory
        self._services = services
        self._orchestrator = orchestrator
        self._events = events
        self._metrics = metrics

    def say(self) -> timedelta | None:
        """None when there is nothing to say, or it was said."""
        self._metrics.forget()
        gone: LookedAfter | None = self._memory.recall()
        if gone is None:
            return None
        for _ in range(ROUNDS):
            try:
                if self._is_left(gone):
                    return None if self._said(gone) else RETRY
            except Stale:
                continue
        return RETRY

    def _is_left(self, gone: LookedAfter) -> bool:
        """Whether all is as it is to stay; if not, one thing is done about it."""
        wish = farewell(gone.active_mode, gone.suspended, self._services.route())
        if wish is not None:
            self._services.switch(wish)
            return False
        scale = left_behind(gone, self._deployed())
        if scale is not None:
            self._orchestrator.scale(scale.replicas)
        return scale is None

    def _said(self, gone: LookedAfter) -> bool:
        note = last_words(gone, self._services.route())
        about = Coordination.from_dict({"metadata": _metadata(gone)})
        if not self._events.tell(about, note):
            return False
        self._metrics.tell(note)
        level = logging.WARNING if note.warning else logging.INFO
        extra = {"object": f"{gone.namespace}/{gone.name}"}
        log.log(level, "%s: %s", note.reason, note.message, extra=extra)
        self._memory.forget()
        return True

    def _deployed(self) -> Deployed | None:
        """An orchestrator that cannot be seen holds up no farewell."""
        try:
            return self._orchestrator.look()
        except Unavailable as error:
            log.warning("%s", error)
            return None


def _metadata(gone: LookedAfter) -> dict[str, str]:
    return {"name": gone.name, "namespace": gone.namespace, "uid": gone.uid}
