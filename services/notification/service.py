"""Notification, put together."""

from __future__ import annotations

from pathlib import Path

from services.kit.handling import Playbook
from services.kit.participant import Participant
from services.kit.service import Deps, Parts, Service
from services.kit.topics import topics_of
from services.messages import vocabulary
from services.notification import handlers, reactions
from services.notification.api import make_router
from services.notification.store import NotificationRepository

PLAYBOOK = Playbook.of(handlers, reactions)


def build(deps: Deps) -> Parts:
    words = vocabulary()
    core = Participant("notification", PLAYBOOK, words, NotificationRepository(), deps.faults)
    return Parts(core, make_router(deps.pool), topics_of(PLAYBOOK, words))


SERVICE = Service(
    name="notification",
    schema="notification",
    sql=Path(__file__).with_name("schema.sql"),
    summary="Tells customers how their orders ended.",
    build=build,
)
