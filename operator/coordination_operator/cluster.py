"""The world of a Coordination on a cluster: the object, the orchestrator's Deployment, events."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from lightkube import Client
from lightkube.generic_resource import create_namespaced_resource
from lightkube.types import PatchType
from msgspec.structs import replace

from coordination_operator.analysis import Sample
from coordination_operator.asking import Gone, Replaced, asking_the_api
from coordination_operator.errors import Stale, Unavailable
from coordination_operator.events import Events
from coordination_operator.farewell import LookedAfter
from coordination_operator.memory import Memory
from coordination_operator.orchestrator import Orchestrator
from coordination_operator.phases import Command
from coordination_operator.plan import Observed, SetRoute
from coordination_operator.prometheus import Prometheus
from coordination_operator.report import ORDER_SERVICE, reported_unread
from coordination_operator.resources import (
    GROUP,
    KIND,
    PLURAL,
    VERSION,
    Analysis,
    CoordinationSpec,
    Who,
)
from coordination_operator.services_api import Services
from coordination_operator.status import CoordinationStatus, Note
from coordination_operator.telemetry import Metrics
from services.kit.message import Mode

log = logging.getLogger(__name__)

Coordination: Any = create_namespaced_resource(GROUP, VERSION, KIND, PLURAL)


class Cluster:
    """Of one object; it is looked at anew each time, and nothing else is kept."""

    def __init__(
        self,
        client: Client,
        name: str,
        services: Services,
        prometheus: Prometheus,
        events: Events,
        orchestrator: Orchestrator,
        memory: Memory,
        metrics: Metrics,
    ) -> None:
        self._client = client
        self._name = name
        self._services = services
        self._prometheus = prometheus
        self._events = events
        self._orchestrator = orchestrator
        self._memory = memory
        self._metrics = metrics
        self._object: Any = None
        self._spec: CoordinationSpec | None = None

    def look(self) -> tuple[CoordinationSpec, Observed]:
        with asking_the_api():
            self._object = self._client.get(Coordination, self._name)
        self._spec = self._read_spec()
        observed = self._observed()
        if observed.status.phase is None and observed.route is not None:
            status = replace(observed.status, active_mode=self._noted_active_mode())
            observed = dataclasses.replace(observed, status=status)
        self._metrics.observe(observed, ())
        return self._spec, observed

    def save(self, status: CoordinationStatus) -> None:
        """A merge patch takes null for `remove it`, which is what None means here."""
        self._remember(status.active_mode)
        version = self._object.metadata.resourceVersion
        body = {
            "metadata": {"resourceVersion": version},
            "status": msgspec.to_builtins(status),
        }
        with asking_the_api():
            self._object = self._client.patch(
                Coordination.Status, self._name, body, patch_type=PatchType.MERGE
            )

    def switch(self, wish: SetRoute) -> None:
        self._services.switch(wish)
        log.info("new sagas: %s %s %%", wish.mode, wish.weight, extra=self._extra)

    def scale(self, replicas: int) -> None:
        self._orchestrator.scale(replicas)

    def samples(self, wanted: Analysis, target: Mode) -> list[Sample]:
        return self._prometheus.samples(wanted, target)

    def done_with(self, commands: Collection[Command]) -> None:
        body = {"metadata": {"annotations": dict.fromkeys(map(annotation, commands))}}
        with asking_the_api():
            self._client.patch(Coordination, self._name, body, patch_type=PatchType.MERGE)

    def tell(self, notes: Sequence[Note]) -> list[Note]:
        return [note for note in notes if not self._told(note)]

    def _told(self, note: Note) -> bool:
        """In the log and the metrics once it is an event, or can be none."""
        if not self._events.tell(self._object, note):
            return False
        level = logging.WARNING if note.warning else logging.INFO
        log.log(level, "%s: %s", note.reason, note.message, extra=self._extra)
        self._metrics.tell(note)
        return True

    def _read_spec(self) -> CoordinationSpec:
        """A newer definition may let through what this operator does not know: that is said."""
        try:
            return msgspec.convert(self._object.get("spec") or {}, CoordinationSpec)
        except msgspec.ValidationError as error:
            before, self._spec = self._read_status(), None
            generation, why = self._object.metadata.generation, f"spec is not understood: {error}"
            status = reported_unread(before, generation, why, datetime.now(UTC))
            if status != before:
                self.save(status)
            raise Unavailable(why) from error

    def _read_status(self) -> CoordinationStatus:
        """One that cannot be read says nothing."""
        try:
            return msgspec.convert(self._object.get("status") or {}, CoordinationStatus)
        except msgspec.ValidationError as error:
            log.warning("its status is not understood: %s", error, extra=self._extra)
            return CoordinationStatus()

    def _noted_active_mode(self) -> Who | None:
        """What a route is like on a trial is no sign of whom to trust, be it another object's, or
        its own of before its status was lost."""
        before: LookedAfter | None = self._memory.recall()
        if before is None:
            return None
        if before.uid != self._object.metadata.uid:
            raise Replaced(f"{self._name} was another object before: {before.uid}")
        return before.active_mode

    def _remember(self, active: Who | None) -> None:
        """Before anything is done; but what cannot be noted down holds up nothing."""
        if active is None or self._spec is None:
            return
        meta, spec = self._object.metadata, self._spec
        try:
            self._memory.keep(
                LookedAfter(
                    name=meta.name,
                    namespace=meta.namespace,
                    uid=meta.uid,
                    active_mode=active,
                    suspended=spec.suspend,
                    replicas=spec.orchestrator.replicas,
                )
            )
        except (Unavailable, Stale) as error:
            log.warning("what is looked after was not noted: %s", error, extra=self._extra)

    @property
    def _extra(self) -> dict[str, str]:
        return {"object": f"{self._object.metadata.namespace}/{self._name}"}

    def _observed(self) -> Observed:
        unseen: dict[str, str] = {}
        deployed = _seen(self._orchestrator.look, "Orchestrator", unseen)
        away = ("orchestrator",) if deployed is not None and not deployed.wanted else ()
        return Observed(
            at=datetime.now(UTC),
            status=self._read_status(),
            generation=self._object.metadata.generation,
            route=_seen(self._services.route, ORDER_SERVICE, unseen),
            left=_seen(lambda: self._services.left(without=away), "Services", unseen),
            orchestrator=deployed,
            asked=asked(self._object.metadata.annotations or {}),
            unseen=unseen,
        )


def annotation(command: Command) -> str:
    return f"{GROUP}/{command}"


def asked(annotations: dict[str, str]) -> frozenset[Command]:
    """An annotation asks by being there, unless its value is `false`."""
    return frozenset(
        command
        for command in Command
        if annotations.get(annotation(command), "false").lower() != "false"
    )


def _seen(look: Callable[[], Any], who: str, unseen: dict[str, str]) -> Any:
    """What cannot be seen is None, and why it cannot."""
    try:
        return look()
    except (Unavailable, Gone) as error:
        unseen[who] = str(error)
        return None
