"""What has become of the route and of the orchestrator since the status was saved: pure.

Announced when it is seen and not when it is done: whoever is killed right after having done it, or
never hears that it was done, is followed by somebody who sees it.
"""

from __future__ import annotations

from collections.abc import Iterator

from coordination_operator.phases import AT_REST, Phase
from coordination_operator.situation import Situation
from coordination_operator.status import CoordinationStatus, Note


def changes(before: CoordinationStatus, s: Situation) -> Iterator[Note]:
    was = before.weight_of(s.target)
    if was is not None and before.epoch != s.route.epoch and was != s.share:
        yield _of_the_route(s, was)
    had, has = before.orchestrator_replicas, s.observed.orchestrator
    if had is not None and has is not None and bool(had) != bool(has.wanted):
        yield Note("OrchestratorScaled", f"from {had} to {has.wanted}")


def _of_the_route(s: Situation, was: int) -> Note:
    said = f"{s.target} gets {s.share} % of new sagas, {was} % before"
    if not _is_on_course(s):
        return Note("RouteChanged", f"by somebody else: {said}", warning=True)
    if s.phase in (Phase.PROGRESSING, Phase.DRAINING) and s.share > was:
        return Note("WeightAdvanced", said)
    if s.phase is Phase.ROLLING_BACK:
        return Note("WeightReturned", said)
    return Note("RouteCorrected", said, warning=s.phase in AT_REST)


def _is_on_course(s: Situation) -> bool:
    """What a phase wants once it is there; in a rollout any step, for the steps are edited, too."""
    if s.phase is Phase.PROGRESSING:
        return s.step is not None and s.step.weight == s.share
    return s.phase is not Phase.HOLDING and s.share == s.wanted_share
