"""An order's decisions: asked of every point, since each keeps its own."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

from lab.api import Api
from services.policy.steps import POINTS


class _Decision(msgspec.Struct):
    mode: str
    step: str
    rule: str
    version: int
    effect: str
    enforced: bool
    outcome: str
    why: str
    facts: list[str]
    at: datetime


class _Decisions(msgspec.Struct):
    decided_by: str
    decisions: list[_Decision]


class Decision(_Decision):
    decided_by: str


def decisions_of(urls: Mapping[str, str], order_id: str) -> list[Decision]:
    found = []
    for point in POINTS:
        with Api(urls[point]) as api:
            answer = api.get(f"/decisions/{order_id}", _Decisions)
        for each in answer.decisions:
            found.append(Decision(**msgspec.structs.asdict(each), decided_by=answer.decided_by))
    return sorted(found, key=lambda each: each.at)
