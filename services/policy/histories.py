"""What the auditor reads, out of the order service's tables alone: no point is asked."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from itertools import groupby
from typing import Any, Final

import msgspec

from services.kit.message import Mode, SagaId
from services.messages import Address, Item, OrderPlaced
from services.policy.evidence import NEVER, Answer, Era, History, events_of
from services.policy.rules import Rule, RuleSet
from services.policy.steps import REPEAT_SECONDS

VERSIONS: Final = """
SELECT
    version,
    rules::text AS rules,
    extract(epoch FROM applied_at)::float8 AS applied_at
FROM orders.policy_versions
ORDER BY version
"""

# Each replica's first word about each version, and until when it may have been there: what it does
# not repeat in time, it may just have had no time for.
WORDS: Final = f"""
SELECT
    service,
    instance,
    version,
    extract(epoch FROM at)::float8 AS at,
    coalesce(extract(epoch FROM present_since), 0)::float8 AS present_since
FROM (
    SELECT service, instance, version, at, present_since FROM orders.policy_acknowledgements
    UNION ALL
    SELECT service, instance, NULL, at + make_interval(secs => {REPEAT_SECONDS}), present_since
    FROM orders.policy_points
) AS words
ORDER BY service, instance, version NULLS LAST
"""  # noqa: S608 - a constant

HISTORIES: Final = """
SELECT
    id::text AS id,
    mode,
    customer_id,
    items::text AS items,
    total_cents,
    currency,
    card,
    ship_to::text AS ship_to,
    reason,
    extract(epoch FROM placed_at)::float8 AS placed_at,
    (
        SELECT coalesce(jsonb_agg(jsonb_build_array(type, extract(epoch FROM at)::float8)), '[]')
        FROM orders.timeline WHERE order_id = id
    )::text AS events,
    (
        SELECT coalesce(jsonb_agg(jsonb_build_object(
            'rule', rule,
            'until', extract(epoch FROM until)::float8,
            'answer', answer,
            'answered_at', extract(epoch FROM answered_at)::float8)), '[]')
        FROM orders.holds WHERE order_id = id
    )::text AS answers,
    closed_at::text AS closed_at
FROM orders.orders
"""


class VersionRow(msgspec.Struct):
    version: int
    rules: str
    applied_at: float


class WordRow(msgspec.Struct):
    """A replica says that it enforces a version, or none: it was never heard again."""

    service: str
    instance: str
    version: int | None
    at: float
    present_since: float


class HistoryRow(msgspec.Struct):
    id: str
    mode: str
    customer_id: str
    items: str
    total_cents: int
    currency: str
    card: str
    ship_to: str
    reason: str | None
    placed_at: float
    events: str
    answers: str
    closed_at: str


def eras(versions: Iterable[VersionRow], words: Iterable[WordRow]) -> list[Era]:
    """`words` in the order of replicas and versions."""
    by_replica = groupby(words, key=lambda word: (word.service, word.instance))
    replicas = [list(said) for _, said in by_replica]
    return [_era(row, replicas) for row in versions]


def _era(row: VersionRow, replicas: Iterable[list[WordRow]]) -> Era:
    """A replica that was there was behind until it spoke of this version, or of a newer one; until
    its last word, if it never did."""
    rules = RuleSet(row.version, _read(row.rules, tuple[Rule, ...]), row.applied_at)
    since: dict[str, float] = {}
    behind: dict[str, list[tuple[float, float]]] = {}
    for said in replicas:
        place = bisect_left(said, float(row.version), key=_version)
        word = said[min(place, len(said) - 1)]
        begun = max(row.applied_at, word.present_since)
        if begun < word.at:
            behind.setdefault(word.service, []).append((begun, word.at))
        if word.version is not None:
            since[word.service] = min(word.at, since.get(word.service, NEVER))
    return Era(rules, since, behind)


def _version(word: WordRow) -> float:
    return NEVER if word.version is None else word.version


def history(row: HistoryRow) -> History:
    placed = OrderPlaced(
        order_id=SagaId(row.id),
        customer_id=row.customer_id,
        items=_read(row.items, tuple[Item, ...]),
        amount_cents=row.total_cents,
        currency=row.currency,
        card=row.card,
        ship_to=_read(row.ship_to, Address),
    )
    events = events_of(row.placed_at, _read(row.events, list[tuple[str, float]]))
    answers = _read(row.answers, tuple[Answer, ...])
    return History(SagaId(row.id), Mode(row.mode), placed, events, answers, row.reason)


def _read(document: str, shape: Any) -> Any:
    return msgspec.json.decode(document, type=shape)
