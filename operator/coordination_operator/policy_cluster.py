"""The world of all Policies of a namespace: the objects, the order service's rules, events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from lightkube import Client
from lightkube.generic_resource import create_namespaced_resource
from lightkube.types import PatchType

from coordination_operator.asking import Gone, asking_the_api
from coordination_operator.errors import Stale, Unavailable
from coordination_operator.events import Events
from coordination_operator.memory import Memory
from coordination_operator.policy_plan import InForce, PolicyObject, SetRules
from coordination_operator.policy_resources import KIND, PLURAL, PolicyStatus, plain
from coordination_operator.resources import GROUP, VERSION
from coordination_operator.services_api import Services
from coordination_operator.status import Note

log = logging.getLogger(__name__)

FEW = 3
Policy: Any = create_namespaced_resource(GROUP, VERSION, KIND, PLURAL)


class PolicyCluster:
    """They are looked at anew each time, and nothing else is kept."""

    def __init__(
        self,
        client: Client,
        services: Services,
        events: Events,
        memory: Memory,
        observe: Callable[[Note], None],
    ) -> None:
        self._client = client
        self._services = services
        self._events = events
        self._memory = memory
        self._observe = observe
        self._objects: dict[str, Any] = {}

    def look(self) -> list[PolicyObject]:
        """What is on its way out is not there any more; without a definition there is nothing."""
        try:
            with asking_the_api():
                found = [each for each in self._client.list(Policy) if not _is_leaving(each)]
        except Gone:
            found = []
        self._objects = {each.metadata.name: each for each in found}
        return [_read(each) for each in found]

    def rules(self) -> InForce:
        return self._services.rules()

    def save(self, name: str, status: PolicyStatus) -> None:
        version = self._objects[name].metadata.resourceVersion
        body = {"metadata": {"resourceVersion": version}, "status": plain(status)}
        try:
            with asking_the_api():
                self._objects[name] = self._client.patch(
                    Policy.Status, name, body, patch_type=PatchType.MERGE
                )
        except Gone as error:
            raise Stale(str(error)) from error

    def put(self, wish: SetRules) -> None:
        self._services.put_rules(wish)
        names = ", ".join(rule.name for rule in wish.rules)
        log.info("in force after version %d: %s", wish.seen_version, names or "no rules")

    def remember(self, version: int, *, alone: bool) -> None:
        """What cannot be noted down holds up nothing."""
        try:
            before = () if alone else self.remembered()[-FEW:]
            self._memory.keep((*before, version))
        except (Unavailable, Stale) as error:
            log.warning("which rules are of Policies was not noted: %s", error)

    def remembered(self) -> tuple[int, ...]:
        return self._memory.recall() or ()

    def forget(self) -> None:
        self._memory.forget()

    def tell(self, name: str, notes: Sequence[Note]) -> list[Note]:
        about = self._objects[name]
        return [note for note in notes if not self._told(about, note)]

    def _told(self, about: Any, note: Note) -> bool:
        """In the log and the metrics once it is an event, or can be none."""
        if not self._events.tell(about, note):
            return False
        level = logging.WARNING if note.warning else logging.INFO
        extra = {"object": f"{about.metadata.namespace}/{about.metadata.name}"}
        log.log(level, "%s: %s", note.reason, note.message, extra=extra)
        self._observe(note)
        return True


def _is_leaving(found: Any) -> bool:
    return found.metadata.deletionTimestamp is not None


def _read(found: Any) -> PolicyObject:
    """A status that cannot be read says nothing."""
    try:
        status = msgspec.convert(found.get("status") or {}, PolicyStatus)
    except msgspec.ValidationError as error:
        log.warning("%s: its status is not understood: %s", found.metadata.name, error)
        status = PolicyStatus()
    spec = found.get("spec") or {}
    return PolicyObject(found.metadata.name, found.metadata.generation, spec, status)
