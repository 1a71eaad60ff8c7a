"""Who watches the points: how far they are behind, and what was done past them.

The auditor goes over orders a few seconds after they closed, when everything about them has been
heard. Each replica does, from its start on; `bandstand policy audit` goes over everything.
"""

from __future__ import annotations

from typing import Any

from services.kit.message import Mode
from services.kit.metrics import Metrics
from services.kit.postgres import PostgresDatabase
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
ORDER BY closed_at, id LIMIT %(limit)s
"""
)
_NOW = "SELECT clock_timestamp()::text"
NOBODY = "00000000-0000-0000-0000-000000000000"


class Policing:
    """Two duties of the order service; without rules one small query each."""

    def __init__(self, database: PostgresDatabase, metrics: Metrics) -> None:
        self._database, self._metrics = database, metrics
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
        if self._after is None:
            now: Any = connection.execute(_NOW).fetchone()
            self._after = now[0], NOBODY
        versions = [VersionRow(*row) for row in connection.execute(VERSIONS)]
        if not versions:
            return AUDIT_EVERY_SECONDS
        for mode in Mode:  # from nought on, for who asks of which versions something has slipped
            self._metrics.policy_slipped.labels(mode.value, str(versions[-1].version))
        found = self._go_over(connection, versions, *self._after)
        return 0.0 if found == AT_ONCE else AUDIT_EVERY_SECONDS

    def _go_over(self, connection: Any, versions: list[VersionRow], after: str, last: str) -> int:
        """How many orders there were, at most `AT_ONCE`: there may be more behind a full page."""
        values = {"after": after, "last": last, "settled": SETTLED_SECONDS, "limit": AT_ONCE}
        rows = [HistoryRow(*row) for row in connection.execute(NEXT, values)]
        if not rows:
            return 0
        words = [WordRow(*row) for row in connection.execute(WORDS)]
        known, histories = eras(versions, words), [history(row) for row in rows]
        for mode in Mode:
            auditor = self._auditors.setdefault(mode, Auditor(()))
            auditor.look_at(known)
            auditor.go_over(each for each in histories if each.mode is mode)
            self._tell(mode, auditor.take_findings())
        self._after = rows[-1].closed_at, rows[-1].id
        return len(rows)

    def _tell(self, mode: Mode, found: Findings) -> None:
        """No rule is about both modes at once, so each has an auditor of its own."""
        metrics = self._metrics
        metrics.policy_audited.labels(mode.value, "true").inc(found.guarded)
        metrics.policy_audited.labels(mode.value, "false").inc(found.steps - found.guarded)
        for violation in found.violations:
            metrics.policy_violations.labels(mode.value, violation.kind.value).inc()
            if violation.kind is Kind.SLIPPED:
                metrics.policy_slipped.labels(mode.value, str(violation.version)).inc()
