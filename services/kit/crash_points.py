"""Labelled places where two systems can disagree, at which a process can be told to die.

What is armed lives in the process alone and dies with it, so that one arming kills at most once
and a restarted process is always whole. Disarmed, a point costs one look at an attribute.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterable
from enum import StrEnum

import msgspec

from services.kit.message import Message, Mode

log = logging.getLogger(__name__)


class Point(StrEnum):
    """In the order in which a message passes them."""

    AFTER_POLL = "after_poll"
    AFTER_INBOX_INSERT = "after_inbox_insert"
    IN_COMPENSATION = "in_compensation"
    BEFORE_COMMIT = "before_commit"
    AFTER_COMMIT_BEFORE_PUBLISH = "after_commit_before_publish"
    AFTER_PUBLISH_BEFORE_MARKING = "after_publish_before_marking"
    BEFORE_OFFSET_COMMIT = "before_offset_commit"
    AFTER_OFFSET_COMMIT = "after_offset_commit"
    IN_ORCHESTRATOR_CLAIM = "in_orchestrator_claim"
    IN_SWITCH_TRANSACTION = "in_switch_transaction"


class Arming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Die at `point` with something of this mode and one of these kinds at hand."""

    point: Point
    mode: Mode
    kinds: frozenset[str]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class CrashPoints:
    """One a process. A kind is a message's type, a claimed saga's status, or the route's mode."""

    def __init__(self, kill: Callable[[], None] = die) -> None:
        self.armed: Arming | None = None
        self._kill = kill

    def here(self, point: Point, mode: str, kind: str) -> None:
        armed = self.armed
        if armed is None or armed.point is not point:
            return
        if armed.mode == mode and kind in armed.kinds:
            log.warning("%s (%s, %s): this process kills itself", point, mode, kind)
            self._kill()

    def handling(self, point: Point, messages: Iterable[Message]) -> None:
        if self.armed is not None:
            for message in messages:
                self.here(point, message.mode, message.type)
