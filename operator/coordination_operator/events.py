"""Kubernetes events about an object. One that is told again is counted, not repeated."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any

import httpx2
from lightkube import ApiError, Client
from lightkube.models.core_v1 import EventSource, ObjectReference
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import Event
from lightkube.types import PatchType

from coordination_operator.resources import GROUP, VERSION
from coordination_operator.status import Note

log = logging.getLogger(__name__)

COMPONENT = "bandstand-operator"
LONGEST = 1024
CONFLICT, BUSY, BROKEN = 409, 429, 500


class Events:
    def __init__(self, client: Client, kind: str) -> None:
        self._client = client
        self._kind = kind

    def tell(self, about: Any, note: Note) -> bool:
        """Whether that is done with: an event that cannot be written is no reason to stop, and one
        that is refused would be refused again, but one that nobody took may be tried again."""
        event = _event(about, self._kind, note)
        try:
            try:
                self._client.create(event)
            except ApiError as error:
                if error.status.code != CONFLICT:
                    raise
                self._again(event)
        except ApiError as error:
            log.warning("no event was written: %s", error)
            return not _passes(error.status.code)
        except httpx2.HTTPError as error:
            log.warning("no event was written: %s", error)
            return False
        return True

    def _again(self, event: Event) -> None:
        assert event.metadata is not None
        assert event.metadata.name is not None
        assert event.lastTimestamp is not None
        before = self._client.get(Event, event.metadata.name)
        last = event.lastTimestamp.isoformat().replace("+00:00", "Z")
        body = {"count": (before.count or 1) + 1, "lastTimestamp": last}
        self._client.patch(Event, event.metadata.name, body, patch_type=PatchType.MERGE)


def _passes(code: int | None) -> bool:
    return code is None or code == BUSY or code >= BROKEN


def _event(about: Any, kind: str, note: Note) -> Event:
    """The same words about the same rollout's object have the same name."""
    meta, now = about.metadata, datetime.now(UTC).replace(microsecond=0)
    words = "\x1f".join((meta.uid, str(meta.generation), note.reason, note.message))
    digest = blake2b(words.encode(), digest_size=8).hexdigest()
    return Event(
        metadata=ObjectMeta(name=f"{meta.name}.{digest}", namespace=meta.namespace),
        involvedObject=ObjectReference(
            apiVersion=f"{GROUP}/{VERSION}",
            kind=kind,
            name=meta.name,
            namespace=meta.namespace,
            uid=meta.uid,
        ),
        reason=note.reason,
        message=note.message[:LONGEST],
        type="Warning" if note.warning else "Normal",
        source=EventSource(component=COMPONENT),
        firstTimestamp=now,
        lastTimestamp=now,
        count=1,
        reportingComponent=COMPONENT,
        reportingInstance=COMPONENT,
        action=note.reason,
    )
