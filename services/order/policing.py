"""Who watches the points: how far they are behind, and what was done past them.

The auditor goes over orders a few seconds after they closed, and not before all has been heard that
was told by then: an order with a hole looks like one whose steps nobody asked for. Each replica
does, from its start on; `bandstand policy audit` goes over everything.
"""

from __future__ import annotations

from typing import Any

from services.kit.message import Mode
from services.kit.metrics import Metrics
from services.kit.postgres import PostgresDatabase
from services.order.heard import Heard
from services.order.policies import missed, points_behind
from services.policy.audit import Auditor
from services.policy.evidence import Findings, Kind
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

SKEW_EVERY_SECONDS = 2.0
AUDIT_EVERY_SECONDS = 5.0
SETTLED_SECONDS = 5.0
AT_ONCE = 200

NEXT = (
    HISTORIES
    + """
WHERE closed_at >= %(after)s::timestamptz
  AND (closed_at, id) > (%(after)s::timestamptz, %(last)s::uuid)
  AND closed_at < clock_timestamp() - make_interval(secs => %(settled)s)
  AND closed_at < to_timestamp(%(heard)s)
ORDER BY closed_at, id LIMIT %(limit)s
"""
)
_NOW = "SELECT now()::text, extract(epoch FROM now())::float8"
NOBODY = "00000000-0000-0000-0000-000000000000"


class Policing:
    """Two duties of the order service; without rules one small query each."""

    def __init__(self, database: PostgresDatabase, metrics: Metrics, heard: Heard) -> None:
        self._database, self._metrics, self._heard = database, metrics, heard
        self._after: tuple[str, str] | None = None
        self._auditors: dict[Mode, Auditor] = {}
        for mode in Mode:
            for kind in Kind:  # from nought on, or nobody would see the first one as an increase
                metrics.policy_violations.labels(mode.value, kind.value)

    def measure_skew(self) -> float:
        connection = self._database.connection()
        behind, seconds = points_behind(connection)
        self._metrics.policy_points_behind.set(behind)
        self._metrics.policy_points_missed.set(len(missed(connection)))
        self._metrics.policy_skew.set(seconds)
        return SKEW_EVERY_SECONDS

    def audit(self) -> float:
        connection = self._database.connection()
        row: Any = connection.execute(_NOW).fetchone()
        began, now = row
        after = self._after = self._after or (began, NOBODY)
        versions = [VersionRow(*row) for row in connection.execute(VERSIONS)]
        if not versions:
            return AUDIT_EVERY_SECONDS
        for mode in Mode:  # from nought on, for who asks of which versions something has slipped
            self._metrics.policy_slipped.labels(mode.value, str(versions[-1].version))
        heard = self._heard.until(now)
        rows = list[HistoryRow]() if heard is None else _page(connection, after, heard)
        if rows:
            self._go_over(connection, versions, rows)
        return 0.0 if len(rows) == AT_ONCE else AUDIT_EVERY_SECONDS

    def _go_over(self, connection: Any, versions: list[VersionRow], rows: list[HistoryRow]) -> None:
        words = [WordRow(*row) for row in connection.execute(WORDS)]
        known, histories = eras(versions, words), [history(row) for row in rows]
        for mode in Mode:
            auditor = self._auditors.setdefault(mode, Auditor(()))
            auditor.look_at(known)
            auditor.go_over(each for each in histories if each.mode is mode)
            self._tell(mode, auditor.take_findings())
        self._after = rows[-1].closed_at, rows[-1].id

    def _tell(self, mode: Mode, found: Findings) -> None:
        """No rule is about both modes at once, so each has an auditor of its own."""
        metrics = self._metrics
        metrics.policy_audited.labels(mode.value, "true").inc(found.guarded)
        metrics.policy_audited.labels(mode.value, "false").inc(found.steps - found.guarded)
        for violation in found.violations:
            metrics.policy_violations.labels(mode.value, violation.kind.value).inc()
        for version, orders in found.slipped().items():
            metrics.policy_slipped.labels(mode.value, str(version)).inc(orders)


def _page(connection: Any, place: tuple[str, str], heard: float) -> list[HistoryRow]:
    """The next orders behind this place; behind a full page there may be more."""
    after, last = place
    values = {"after": after, "last": last, "heard": heard}
    values |= {"settled": SETTLED_SECONDS, "limit": AT_ONCE}
    return [HistoryRow(*row) for row in connection.execute(NEXT, values)]
