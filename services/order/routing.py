"""The route of new orders: read it, or switch it by compare-and-set on the epoch."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.kit.crash_points import CrashPoints, Point
from services.kit.message import Mode
from services.kit.metrics import Metrics
from services.kit.pool import Pool
from services.kit.postgres import PostgresDatabase
from services.kit.problems import Problem
from services.order.admission import LOCK_EXCLUSIVE, read_route

HISTORY_LENGTH = 50
TOLD_EVERY_SECONDS = 1.0
COUNTED_AT_MOST = 20_000
SKEW = timedelta(seconds=10)

_ONE_MOMENT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"

_TIMES = "SELECT changed_at, clock_timestamp() FROM route"

_OPEN = """
SELECT mode, epoch, count(*) FROM orders WHERE closed_at IS NULL GROUP BY mode, epoch
ORDER BY epoch, mode
"""

# An order's id begins with the time of its admission, so this reads no older orders than it must.
_CURRENT = """
SELECT mode, count(*), count(ended_at)
  FROM (SELECT mode, ended_at FROM orders WHERE id >= %s AND epoch = %s LIMIT %s) AS counted
 GROUP BY mode
 ORDER BY mode
"""

_HISTORY = """
SELECT epoch, mode, weight, changed_at FROM route_history ORDER BY epoch DESC LIMIT %s
"""

_SWITCH = """
WITH switched AS (
    UPDATE route SET mode = %s, weight = %s, epoch = epoch + 1, changed_at = clock_timestamp()
    RETURNING epoch, mode, weight, changed_at
)
INSERT INTO route_history (epoch, mode, weight, changed_at) SELECT * FROM switched
"""


def switch(
    pool: Pool, mode: Mode, weight: int, seen_epoch: int, crash_points: CrashPoints
) -> dict[str, Any]:
    """Change the route, unless somebody else did since `seen_epoch` was seen; what it is then.

    When this returns, every order of an older epoch is in the table: the exclusive lock waited
    for the admissions that had read the old route.
    """
    with pool.connection() as connection, connection.transaction():
        connection.execute(LOCK_EXCLUSIVE)
        epoch = read_route(connection).epoch
        if epoch != seen_epoch:
            detail = f"the epoch is {epoch}, not {seen_epoch}; look again and decide again"
            raise Problem(409, "stale-epoch", detail, epoch=epoch)
        connection.execute(_SWITCH, (mode.value, weight))
        crash_points.here(Point.IN_SWITCH_TRANSACTION, mode, mode)
        return _shown(connection)


def tell_route(database: PostgresDatabase, metrics: Metrics) -> float:
    """A duty: the route as it is now, whoever has set it."""
    route = read_route(database.connection())
    metrics.route_epoch.set(route.epoch)
    for mode in Mode:
        metrics.route_share.labels(mode.value).set(route.share(mode) / 100)
    return TOLD_EVERY_SECONDS


def snapshot(pool: Pool) -> dict[str, Any]:
    """The route, its history, and the open orders by mode and epoch, all of one moment."""
    with pool.connection() as connection, connection.transaction():
        connection.execute(_ONE_MOMENT)
        shown = _shown(connection)
        return {**shown, "current": _current(connection, shown["epoch"], shown["changed_at"])}


def _current(connection: Any, epoch: int, changed_at: datetime) -> list[dict[str, Any]]:
    """What the epoch has admitted and ended so far, of its first orders."""
    first = first_id(changed_at - SKEW)
    rows = connection.execute(_CURRENT, (first, epoch, COUNTED_AT_MOST)).fetchall()
    return [{"mode": mode, "placed": placed, "ended": ended} for mode, placed, ended in rows]


def first_id(moment: datetime) -> UUID:
    """The smallest id that an order admitted at this moment can have (UUID version 7)."""
    return UUID(int=int(moment.timestamp() * 1000) << 80)


def _shown(connection: Any) -> dict[str, Any]:
    """Right after a switch nothing has been admitted in its epoch, and nothing is counted while
    admissions wait for it."""
    route = read_route(connection)
    times: Any = connection.execute(_TIMES).fetchone()
    still_open = connection.execute(_OPEN).fetchall()
    history = connection.execute(_HISTORY, (HISTORY_LENGTH,)).fetchall()
    return {
        "mode": route.mode,
        "weight": route.weight,
        "epoch": route.epoch,
        "changed_at": times[0],
        "at": times[1],
        "open": [{"mode": mode, "epoch": epoch, "orders": n} for mode, epoch, n in still_open],
        "current": [],
        "history": [
            {"epoch": epoch, "mode": mode, "weight": weight, "changed_at": at}
            for epoch, mode, weight, at in history
        ],
    }
