"""The fault catalogue, the same in both modes: seeded, so that a run can be repeated.

Whether a fault hits is a pure function of seed, fault, message and try; only crashes also depend
on the process's incarnation, or a message that kills its consumer would kill it for ever.
"""

from __future__ import annotations

from enum import Enum, StrEnum
from hashlib import blake2b
from typing import Annotated

import msgspec
from msgspec import Meta

from services.kit.crash_points import CrashPoints
from services.kit.message import Mode

DEFAULT_DELAY_MS = 200


class Fault(StrEnum):
    REFUSE = "refuse"
    FAIL = "fail"
    DELAY = "delay"
    CRASH_BEFORE_COMMIT = "crash_before_commit"
    CRASH_AFTER_COMMIT = "crash_after_commit"
    DUPLICATE_PUBLISH = "duplicate_publish"
    STALE_POLICY = "stale_policy"
    UNASKED = "unasked"


class Verdict(Enum):
    """What becomes of a command before its handler sees it."""

    PROCEED = "proceed"
    REFUSE = "refuse"
    FAIL = "fail"
    DELAY = "delay"


class Rule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`percent` of the messages (of one command or event type and of one mode, or of all) meet
    `fault`."""

    fault: Fault
    percent: Annotated[float, Meta(ge=0, le=100)]
    command: str | None = None
    delay_ms: Annotated[int, Meta(ge=0, le=60_000)] = DEFAULT_DELAY_MS
    mode: Mode | None = None

    def concerns(self, kind: str, mode: Mode) -> bool:
        return self.command in (None, kind) and self.mode in (None, mode)


class Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seed: int = 1
    rules: Annotated[tuple[Rule, ...], Meta(max_length=64)] = ()


def roll(seed: int, *parts: object) -> float:
    """A number in [0, 100), uniform over `parts` and the same for the same parts."""
    text = "\x1f".join(map(str, (seed, *parts))).encode()
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big") / 2**64 * 100


class Faults:
    """The catalogue in force in this process; off until somebody sets rules."""

    def __init__(
        self,
        catalogue: Catalogue | None = None,
        incarnation: int = 1,
        crash_points: CrashPoints | None = None,
    ) -> None:
        self.catalogue = catalogue or Catalogue()
        self.incarnation = incarnation
        self.crash_points = crash_points or CrashPoints()

    def verdict(self, kind: str, mode: Mode, message_id: str, tries: int) -> Verdict:
        if not self.catalogue.rules:
            return Verdict.PROCEED
        if tries == 0 and self._hits(Fault.DELAY, kind, mode, message_id):
            return Verdict.DELAY
        if self._hits(Fault.FAIL, kind, mode, message_id, tries):
            return Verdict.FAIL
        if self._hits(Fault.REFUSE, kind, mode, message_id):
            return Verdict.REFUSE
        return Verdict.PROCEED

    def delay_seconds(self, kind: str, mode: Mode) -> float:
        delays = [r.delay_ms for r in self._rules(Fault.DELAY, kind, mode)]
        return max(delays, default=0) / 1000

    def crashes(self, fault: Fault, kind: str, mode: Mode, message_id: str) -> bool:
        return self._hits(fault, kind, mode, message_id, self.incarnation)

    def duplicates(self, kind: str, mode: Mode, message_id: str) -> bool:
        return self._hits(Fault.DUPLICATE_PUBLISH, kind, mode, message_id)

    def is_stale(self, kind: str, mode: Mode, message_id: str) -> bool:
        """Whether a participant decides this by the rules before the newest."""
        rules = self.catalogue.rules
        return bool(rules) and self._hits(Fault.STALE_POLICY, kind, mode, message_id)

    def acts_unasked(self, kind: str, mode: Mode, message_id: str) -> bool:
        """Whether a participant goes on to its next step although nobody has asked for it."""
        rules = self.catalogue.rules
        return bool(rules) and self._hits(Fault.UNASKED, kind, mode, message_id)

    def _rules(self, fault: Fault, kind: str, mode: Mode) -> list[Rule]:
        rules = self.catalogue.rules
        return [rule for rule in rules if rule.fault is fault and rule.concerns(kind, mode)]

    def _hits(self, fault: Fault, kind: str, mode: Mode, *parts: object) -> bool:
        rolled = roll(self.catalogue.seed, fault, *parts)
        return any(rolled < rule.percent for rule in self._rules(fault, kind, mode))
