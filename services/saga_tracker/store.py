"""What was heard, in PostgreSQL: one statement a batch, and a look a second at what is open."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from services.kit import sql
from services.kit.message import Epoch, SagaId
from services.kit.metrics import Metrics
from services.kit.postgres import PostgresDatabase
from services.saga_tracker.model import (
    ANSWERS,
    AWAITED,
    END,
    ENDS_HOLDS,
    NO_PROGRESS,
    Heard,
    awaited,
)

EVERY_SECONDS = 1.0
MOST_EXPLAINED = 1_000
MODE = "choreography"

# Rows in the order of their ids, so that two replicas never wait for each other in a circle.
_HEAR = f"""
INSERT INTO sagas (order_id, epoch, heard, closed_at)
SELECT order_id, epoch, heard, CASE WHEN heard ? '{END}' THEN clock_timestamp() END
FROM json_to_recordset(%s) AS new (order_id uuid, epoch integer, heard jsonb)
ORDER BY order_id
ON CONFLICT (order_id) DO UPDATE
SET heard = sagas.heard || EXCLUDED.heard,
    closed_at = coalesce(sagas.closed_at, EXCLUDED.closed_at),
    progressed_at = CASE
        WHEN EXCLUDED.heard - '{NO_PROGRESS}' - array(SELECT jsonb_object_keys(sagas.heard))
            = '{{}}' THEN sagas.progressed_at
        ELSE clock_timestamp()
    END
"""  # noqa: S608 - names of our own events

# As `model.holds` says it: until then, not answered since, and not ended otherwise.
HELD = f"""
NOT heard ?| array[{", ".join(f"'{kind}'" for kind in sorted(ENDS_HOLDS))}] AND EXISTS (
    SELECT FROM jsonb_each(heard) AS kept
    WHERE (kept.value ->> 'until')::timestamptz > now()
      AND (kept.value ->> 'at')::timestamptz > coalesce(greatest(
          {", ".join(f"(heard -> '{kind}' ->> 'at')::timestamptz" for kind in sorted(ANSWERS))}
      ), '-infinity'))
"""

# A hold is no progress that is missing: a saga that is silent for that reason is not stuck.
STATUS = f"""CASE
        WHEN closed_at IS NOT NULL THEN 'ended'
        WHEN {HELD} THEN 'held'
        WHEN progressed_at < now() - make_interval(secs => %(patience)s) THEN 'stuck'
        ELSE 'running'
    END"""

_OPEN = f"SELECT {STATUS} AS status, count(*) FROM sagas WHERE closed_at IS NULL GROUP BY 1"  # noqa: S608

_STUCK = f"""
SELECT heard FROM sagas
WHERE closed_at IS NULL AND {STATUS} = 'stuck'
LIMIT %(limit)s
"""  # noqa: S608

decode_heard = msgspec.json.Decoder(dict[str, Heard]).decode


def hear(
    connection: Any, heard: Mapping[SagaId, Mapping[str, Heard]], epochs: Mapping[SagaId, Epoch]
) -> None:
    rows = sql.rows(
        {"order_id": saga, "epoch": epochs[saga], "heard": heard[saga]} for saga in sorted(heard)
    )
    connection.later(_HEAR, rows)


class Watch:
    """A duty: how many sagas are open, how many of them stuck, and what those wait for."""

    def __init__(self, database: PostgresDatabase, metrics: Metrics, patience: float) -> None:
        self._database = database
        self._metrics = metrics
        self._values = {"patience": patience, "limit": MOST_EXPLAINED}

    def run(self) -> float:
        connection = self._database.connection()
        states = dict.fromkeys(("running", "held", "stuck"), 0)
        states.update(dict(connection.execute(_OPEN, self._values).fetchall()))
        for state, sagas in states.items():
            self._metrics.tracked_sagas.labels(MODE, state).set(sagas)
        missing = dict.fromkeys((kind.__name__ for kind in AWAITED), 0)
        for (heard,) in connection.execute(_STUCK, self._values) if states["stuck"] else ():
            for event in awaited(decode_heard(heard)):
                missing[event] += 1
        for event, sagas in missing.items():
            self._metrics.tracked_waiting.labels(MODE, event).set(sagas)
        return EVERY_SECONDS
