"""Rules in a file, and the ones in force."""

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from lab.api import Api, ProblemError
from lab.errors import BandstandError
from services.policy.rulebook import compile_rules
from services.policy.rules import Rule, RuleError, RuleSet, read_rules
from services.policy.steps import CONDUCTOR

ATTEMPTS = 5
STALE = 409
PAUSE_SECONDS = 0.05


class UnreadableRulesError(BandstandError):
    """A file that holds no rules; the text says where it goes wrong."""

    exit_code = 2


class Point(msgspec.Struct, frozen=True):
    service: str
    instance: str
    version: int
    at: datetime

    @property
    def mode(self) -> str:
        return "orchestration" if self.service == CONDUCTOR else "choreography"


class InForce(msgspec.Struct, frozen=True):
    """The newest rules, and who has said to enforce which version."""

    version: int
    applied_at: datetime | None
    rules: list[Rule]
    points: list[Point]
    missed: list[Point] = []

    def behind(self) -> list[Point]:
        return [point for point in self.points if point.version < self.version]


class _Wish(msgspec.Struct):
    version: int
    rules: tuple[Rule, ...]


class Hold(msgspec.Struct, frozen=True):
    order_id: str
    rule: str
    step: str
    version: int
    held_by: str
    held_at: datetime
    until: datetime


class Holds(msgspec.Struct, frozen=True):
    holds: list[Hold]


def read_file(path: Path) -> tuple[Rule, ...]:
    """YAML, JSON or TOML; also a `Policy` resource as kubectl takes it. What is wrong with it is
    said before anybody is asked to put it in force."""
    try:
        return compile_rules(RuleSet(1, read_rules(_decoded(path)))).rules.rules
    except (OSError, msgspec.MsgspecError, RuleError) as error:
        raise UnreadableRulesError(f"{path}: {error}") from error


def _decoded(path: Path) -> Any:
    text = path.read_bytes()
    if path.suffix == ".json":
        return msgspec.json.decode(text)
    return msgspec.toml.decode(text) if path.suffix == ".toml" else msgspec.yaml.decode(text)


def in_force(order: Api) -> InForce:
    return order.get("/policies", InForce)


def apply(order: Api, rules: tuple[Rule, ...], say: Callable[[str], None]) -> InForce:
    """Compare-and-set on the version: who was faster is overruled only after that is said."""
    for attempt in range(ATTEMPTS):
        seen = in_force(order).version
        try:
            return order.put("/policies", _Wish(seen, rules), InForce)
        except ProblemError as error:
            if error.status != STALE or attempt == ATTEMPTS - 1:
                raise
            say(f"somebody else changed version {seen}; reading the rules again")
    raise AssertionError("unreachable")


def await_enforced(order: Api, version: int, timeout: float) -> InForce:
    """Until every point that is there enforces this version; what there is then."""
    deadline = time.monotonic() + timeout
    while True:
        found = in_force(order)
        everywhere = found.points and all(point.version >= version for point in found.points)
        if everywhere or time.monotonic() > deadline:
            return found
        time.sleep(PAUSE_SECONDS)
