-- The switches that happened during one load: when, to which mode, and how long after each the
-- last saga that had been admitted before was closed.
WITH mine AS (
    SELECT epoch, placed_at, closed_at
      FROM orders.orders
     WHERE id = ANY(%(ids)s::uuid[])
), span AS (
    SELECT min(placed_at) AS began, max(placed_at) AS ended
      FROM mine
)
SELECT h.epoch,
       h.mode,
       h.weight,
       extract(epoch FROM h.changed_at - began)::float8                 AS seconds,
       (SELECT extract(epoch FROM max(mine.closed_at) - h.changed_at)::float8
          FROM mine
         WHERE mine.epoch < h.epoch)                                    AS last_closed_after
  FROM orders.route_history AS h, span
 WHERE h.changed_at BETWEEN began AND ended
 ORDER BY h.epoch
