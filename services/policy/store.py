"""Policies in PostgreSQL, in the schema of the service that enforces them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from services.kit import sql
from services.kit.message import SagaId
from services.policy.bench import Bench
from services.policy.rules import RuleSet
from services.policy.ruling import Books, Claim

_NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"

# One lock an account, taken in the order of the array, so that replicas queue up.
_LOCK = """
SELECT pg_advisory_xact_lock(hashtextextended(account, 0))
FROM (SELECT unnest(%s::text[]) AS account) AS accounts
"""

_SPENT = """
SELECT claim.rule, claim.key, coalesce(sum(spent.amount), 0)::bigint
FROM json_to_recordset(%s) AS claim (rule text, key text, window_seconds float8)
LEFT JOIN spent ON spent.rule = claim.rule AND spent.key = claim.key
    AND spent.at > clock_timestamp() - make_interval(secs => claim.window_seconds)
GROUP BY claim.rule, claim.key
"""

_DECIDE = """
INSERT INTO decisions
    (order_id, mode, step, rule, version, effect, enforced, outcome, why, facts)
SELECT * FROM json_to_recordset(%s) AS new (
    order_id uuid, mode text, step text, rule text, version integer, effect text,
    enforced boolean, outcome text, why text, facts jsonb)
"""

_SPEND = """
INSERT INTO spent (rule, key, order_id, amount)
SELECT * FROM json_to_recordset(%s) AS new (rule text, key text, order_id uuid, amount bigint)
ON CONFLICT DO NOTHING
"""

_RELEASE = "DELETE FROM spent WHERE order_id = ANY(%s::uuid[])"

# An older set never overwrites a newer one, whoever of the replicas writes it.
_KEEP = """
INSERT INTO policies (rules) VALUES (%(rules)s::jsonb)
ON CONFLICT (only_row) DO UPDATE SET rules = EXCLUDED.rules, received_at = clock_timestamp()
WHERE (policies.rules ->> 'version')::int < (EXCLUDED.rules ->> 'version')::int
"""

_OF_ORDER = """
SELECT mode, step, rule, version, effect, enforced, outcome, why, facts::text, at
FROM decisions WHERE order_id = %s ORDER BY at
"""

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(RuleSet).decode


class PostgresPolicyTables:
    def open(self, connection: Any, claims: Sequence[Claim]) -> Books:
        now = connection.execute(_NOW)
        if not claims:
            return Books(now.fetchone()[0])
        connection.execute(_LOCK, ([f"{claim.rule} {claim.key}" for claim in claims],))
        rows = connection.execute(_SPENT, (sql.rows(map(msgspec.to_builtins, claims)),))
        return Books(now.fetchone()[0], {(rule, key): amount for rule, key, amount in rows})

    def close(self, connection: Any, bench: Bench) -> None:
        if bench.minutes:
            connection.later(_DECIDE, sql.rows(map(msgspec.to_builtins, bench.minutes)))
        if bench.spent:  # at once: what comes to nothing in this transaction is taken out of it
            connection.execute(_SPEND, (sql.rows(map(msgspec.to_builtins, bench.spent)),))

    def release(self, connection: Any, orders: Sequence[SagaId]) -> None:
        connection.execute(_RELEASE, (sql.ids(sorted(orders)),))


def read_kept(connection: Any) -> RuleSet:
    row = connection.execute("SELECT rules::text FROM policies").fetchone()
    return _decode(row[0]) if row else RuleSet()


def keep(connection: Any, rules: RuleSet) -> None:
    connection.execute(_KEEP, {"rules": _encode(rules).decode()})


def decisions_of(connection: Any, order_id: str) -> list[tuple[Any, ...]]:
    return list(connection.execute(_OF_ORDER, (order_id,)).fetchall())
