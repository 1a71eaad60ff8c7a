"""The rules of the whole process: kept here by version, told to everybody through the outbox."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import msgspec
from psycopg import Connection

from services.kit.broker import POLICIES
from services.kit.pool import Pool
from services.kit.postgres import transaction
from services.kit.problems import Problem
from services.kit.relay import Publisher
from services.kit.wire import Record
from services.policy.reader import RULES_KEY, Acknowledgement
from services.policy.rulebook import compile_rules
from services.policy.rules import Rule, RuleError, RuleSet, read_rules
from services.policy.steps import REPEAT_SECONDS

SILENT_SECONDS: Final = 3 * REPEAT_SECONDS
MISSED_SECONDS: Final = 600.0

_LOCK = "SELECT pg_advisory_xact_lock(hashtext('bandstand-policies'))"

_NEWEST = """
SELECT version, rules::text, extract(epoch FROM applied_at)::float8, applied_at
FROM policy_versions ORDER BY version DESC LIMIT 1
"""

_APPLY = """
INSERT INTO policy_versions (version, rules) VALUES (%s, %s::jsonb)
RETURNING extract(epoch FROM applied_at)::float8
"""

# A point that enforces rules repeats that, so one that is silent for three times as long is gone.
# One without rules had no reason to speak until there were some: it gets as long from then on. Both
# are times of databases, and `at` is that of the point's last word, however late it is read. Who
# has said goodbye is gone at once; who falls silent without that is missed for a while.
_HEARD = """(
    SELECT
        point.*,
        CASE
            WHEN coalesce(its.rules, '[]') <> '[]' THEN point.at
            WHEN next.version IS NULL THEN 'infinity'
            ELSE greatest(point.at, next.applied_at)
        END AS heard_at
    FROM policy_points AS point
    LEFT JOIN policy_versions AS its ON its.version = point.version
    LEFT JOIN policy_versions AS next ON next.version = point.version + 1
)"""

_PRESENT = f"""
WITH present AS (
    SELECT * FROM {_HEARD} AS heard
    WHERE NOT leaving AND heard_at > clock_timestamp() - make_interval(secs => %s)
)
"""  # noqa: S608 - a constant

_POINTS = f"""{_PRESENT}
SELECT service, instance, version, first.at
FROM present
JOIN policy_acknowledgements AS first USING (service, instance, version)
ORDER BY service, instance
"""  # noqa: S608 - two constants

_MISSED = f"""
SELECT service, instance, version, at FROM {_HEARD} AS heard
WHERE NOT leaving
    AND heard_at <= clock_timestamp() - make_interval(secs => %s)
    AND heard_at > clock_timestamp() - make_interval(secs => %s)
ORDER BY service, instance
"""  # noqa: S608 - a constant

# Whoever was silent for so long that it was taken for gone has joined anew.
_ACKNOWLEDGE = f"""
WITH said AS (
    SELECT
        %(service)s AS service, %(instance)s AS instance, %(version)s::integer AS version,
        to_timestamp(%(at)s) AS at, %(leaving)s AS leaving
), present AS (
    SELECT said.*, CASE
        WHEN NOT heard.leaving AND heard.heard_at > said.at - make_interval(secs => %(silent)s)
            THEN heard.present_since
        ELSE said.at
    END AS present_since
    FROM said LEFT JOIN {_HEARD} AS heard USING (service, instance)
), first AS (
    INSERT INTO policy_acknowledgements (service, instance, version, at, present_since)
    SELECT service, instance, version, at, present_since FROM present
    ON CONFLICT DO NOTHING
)
INSERT INTO policy_points AS point (service, instance, version, at, leaving, present_since)
SELECT service, instance, version, at, leaving, present_since FROM present
ON CONFLICT (service, instance) DO UPDATE
SET version = EXCLUDED.version, at = EXCLUDED.at, leaving = EXCLUDED.leaving,
    present_since = EXCLUDED.present_since
WHERE point.at < EXCLUDED.at
"""  # noqa: S608 - a constant

_BEHIND = f"""{_PRESENT}
SELECT
    count(*),
    coalesce(extract(epoch FROM clock_timestamp() - max(newest.applied_at)), 0)::float8
FROM policy_versions AS newest
JOIN present ON present.version < newest.version
WHERE newest.version = (SELECT max(version) FROM policy_versions)
"""  # noqa: S608 - two constants

_decode = msgspec.json.Decoder(tuple[Rule, ...]).decode


def checked(values: Any) -> tuple[Rule, ...]:
    """Rules that every point will be able to compile; a 422 says what is wrong, and where."""
    try:
        rules = read_rules(values)
        compile_rules(RuleSet(1, rules))
    except RuleError as error:
        raise Problem(422, "rule-refused", str(error)) from error
    return rules


def apply(pool: Pool, publisher: Publisher, seen: int, rules: tuple[Rule, ...]) -> None:
    """Put a set in force, unless somebody else did since version `seen` was seen."""
    with pool.connection() as connection, transaction(connection) as session:
        session.execute(_LOCK)
        version = _newest(session)[0].version
        if version != seen:
            detail = f"the version is {version}, not {seen}; look again and decide again"
            raise Problem(409, "stale-version", detail, version=version)
        written: Any = session.execute(
            _APPLY, (version + 1, msgspec.json.encode(rules).decode())
        ).fetchone()
        session.send([_told(RuleSet(version + 1, rules, written[0]))])
    publisher.publish(session.sent)


def _told(rules: RuleSet) -> Record:
    name = f"{RULES_KEY}-{rules.version}"
    return Record(POLICIES, RULES_KEY, name, "", [], msgspec.json.encode(rules))


def snapshot(pool: Pool) -> dict[str, Any]:
    """The newest rules, and who is there and has said to enforce which version, since when."""
    with pool.connection() as connection:
        rules, applied_at = _newest(connection)
        points: list[Any] = connection.execute(_POINTS, (SILENT_SECONDS,)).fetchall()
        missing = missed(connection)
    names = ("service", "instance", "version", "at")
    return {
        "version": rules.version,
        "applied_at": applied_at,
        "rules": msgspec.to_builtins(rules.rules),
        "points": [dict(zip(names, point, strict=True)) for point in points],
        "missed": [dict(zip(names, point, strict=True)) for point in missing],
    }


def missed(connection: Any) -> list[Any]:
    """Who fell silent without a goodbye, with its last word: frozen, or killed not long ago."""
    found: list[Any] = connection.execute(_MISSED, (SILENT_SECONDS, MISSED_SECONDS)).fetchall()
    return found


def _newest(connection: Any) -> tuple[RuleSet, datetime | None]:
    row: Any = connection.execute(_NEWEST).fetchone()
    if row is None:
        return RuleSet(), None
    version, rules, seconds, applied_at = row
    return RuleSet(version, _decode(rules), seconds), applied_at


class Register:
    """Hears who enforces what; a record may come again, and only a later one changes anything."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def hear(self, _key: str, value: bytes) -> None:
        said = msgspec.json.decode(value, type=Acknowledgement)
        with self._pool.connection() as connection:
            values = {**msgspec.to_builtins(said), "silent": SILENT_SECONDS}
            connection.execute(_ACKNOWLEDGE, values)


def points_behind(connection: Connection[Any]) -> tuple[int, float]:
    """How many points enforce an older version than the newest, and for how many seconds now."""
    row: Any = connection.execute(_BEHIND, (SILENT_SECONDS,)).fetchone()
    behind, seconds = row
    return behind, seconds
