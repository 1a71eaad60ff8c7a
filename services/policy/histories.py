"""What the auditor reads, out of the order service's tables alone: no point is asked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from services.kit.message import Mode, SagaId
from services.messages import Address, Item, OrderPlaced
from services.policy.audit import Answer, Era, History, events_of
from services.policy.rules import Rule, RuleSet

VERSIONS: Final = """
SELECT
    version,
    rules::text AS rules,
    extract(epoch FROM applied_at)::float8 AS applied_at,
    (
        SELECT coalesce(jsonb_object_agg(service, since), '{}')::text
        FROM (
            SELECT service, extract(epoch FROM max(at))::float8 AS since
            FROM orders.policy_acknowledgements AS said
            WHERE said.version = versions.version
            GROUP BY service
        ) AS last_of_each
    ) AS enforced_since
FROM orders.policy_versions AS versions
ORDER BY version
"""

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
    enforced_since: str


class HistoryRow(msgspec.Struct):
    id: str
    mode: str
    customer_id: str
    items: str
    total_cents: int
    currency: str
    card: str
    ship_to: str
    placed_at: float
    events: str
    answers: str
    closed_at: str


def eras(rows: Iterable[VersionRow]) -> list[Era]:
    return [
        Era(
            RuleSet(row.version, _read(row.rules, tuple[Rule, ...]), row.applied_at),
            _read(row.enforced_since, dict[str, float]),
        )
        for row in rows
    ]


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
    return History(SagaId(row.id), Mode(row.mode), placed, events, answers)


def _read(document: str, shape: Any) -> Any:
    return msgspec.json.decode(document, type=shape)
