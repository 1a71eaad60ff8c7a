"""The auditor over the running stack's history."""

from datetime import datetime

import msgspec

from lab.database import Database, query
from services.policy.audit import audit
from services.policy.evidence import Findings
from services.policy.histories import (
    HISTORIES,
    VERSIONS,
    WORDS,
    HistoryRow,
    VersionRow,
    WordRow,
    eras,
    history,
)

DENIED = query(__file__, "denied")
ACTS = query(__file__, "acts")
CLOSED = """
WHERE closed_at < clock_timestamp() - make_interval(secs => %(settled)s)
  AND (%(ids)s::text[] IS NULL OR id = ANY(%(ids)s::uuid[]))
ORDER BY placed_at
"""


class Denied(msgspec.Struct, frozen=True):
    """A decision against a step, enforced, by whoever made it."""

    order_id: str
    mode: str
    step: str
    rule: str
    version: int
    at: datetime


class Act(msgspec.Struct, frozen=True):
    """What became of an order's payment, by the history alone."""

    order_id: str
    skus: list[str]
    authorized: bool
    captured_early: bool


def audit_stack(
    database: Database, ids: list[str] | None = None, settled_seconds: float = 0.0
) -> Findings:
    """Of these orders, or of all that have been closed for so long. The end of an order may be read
    before its middle, which then looks like steps that nobody asked for."""
    versions = database.rows(VERSIONS.encode(), VersionRow)
    rows = database.rows(
        (HISTORIES + CLOSED).encode(), HistoryRow, ids=ids, settled=settled_seconds
    )
    words = database.rows(WORDS.encode(), WordRow)
    return audit(eras(versions, words), map(history, rows))


def denied(database: Database, ids: list[str]) -> list[Denied]:
    return database.rows(DENIED, Denied, ids=ids)


def acts(database: Database, ids: list[str]) -> list[Act]:
    return database.rows(ACTS, Act, ids=ids)
