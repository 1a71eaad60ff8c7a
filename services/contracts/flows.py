"""Who sends and who hears what, derived from playbooks and the orchestrator's score."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from services.kit.bootstrap import EVERY_SERVICE
from services.kit.message import Command, Mode
from services.kit.topics import topics_in
from services.messages import EVENTS, StepHeld, vocabulary
from services.orchestrator.order_saga import ORDER
from services.policy.remembered import ANSWERS
from services.policy.steps import PARTICIPANTS
from services.saga_tracker.tracker import OBSERVED

ORCHESTRATION = "sagas in orchestration"
CHOREOGRAPHY = "sagas in choreography"
HELD = StepHeld.__name__
BOTH = "all sagas"
MODES = {ORCHESTRATION: [Mode.ORCHESTRATION], CHOREOGRAPHY: [Mode.CHOREOGRAPHY], BOTH: list(Mode)}


@dataclass(frozen=True)
class Flow:
    """Messages of these types between a service and a topic; `of` is whose sagas it is about."""

    service: str
    action: str
    topic: str
    kinds: tuple[str, ...]
    of: str


def flows() -> list[Flow]:
    return [flow for service in EVERY_SERVICE for flow in _flows_of(service)]


def _flows_of(service: str) -> Iterator[Flow]:
    if service == "orchestrator":
        yield from _by_topic(service, "receive", ORDER.events, ORCHESTRATION)
        yield from _by_topic(service, "send", _conducted(), ORCHESTRATION)
        yield from _by_topic(service, "send", [HELD], ORCHESTRATION)
        return
    if service == "saga-tracker":
        yield from _by_topic(service, "receive", OBSERVED, CHOREOGRAPHY)
        return
    module = importlib.import_module(f"services.{service}.service")
    playbook = module.PLAYBOOK
    observed: frozenset[str] = getattr(module, "OBSERVED", frozenset())
    yield from _by_topic(service, "receive", playbook.handlers, ORCHESTRATION)
    heard = set(playbook.reactions) | (ANSWERS.keys() if service in PARTICIPANTS else set())
    yield from _by_topic(service, "receive", heard - observed, CHOREOGRAPHY)
    yield from _by_topic(service, "receive", observed, BOTH)
    yield from _by_topic(service, "send", _told_by(playbook.commands), BOTH)
    if service in PARTICIPANTS:
        yield from _by_topic(service, "send", [HELD], CHOREOGRAPHY)


def _told_by(commands: frozenset[type[Command]]) -> list[str]:
    """A participant owns one channel, and every event on it."""
    channels = {command.channel for command in commands}
    return [event.__name__ for event in EVENTS if event.channel in channels]


def _conducted() -> set[str]:
    steps = list(ORDER.steps)
    undone = {step.undo.command.__name__ for step in steps if step.undo}
    return undone | {step.name for step in steps}


def _by_topic(service: str, action: str, kinds: Iterable[str], of: str) -> Iterator[Flow]:
    known = vocabulary().kinds
    topics: dict[str, list[str]] = {}
    for kind in sorted(kinds):
        for topic in topics_in(MODES[of], [known[kind]]):
            topics.setdefault(topic, []).append(kind)
    for topic, found in sorted(topics.items()):
        yield Flow(service, action, topic, tuple(found), of)
