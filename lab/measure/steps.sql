-- How long after its placing each fact about a confirmed order was known, by mode. Rejected orders
-- take other steps and are left out.
WITH mine AS (
    SELECT id, mode, placed_at, ended_at
      FROM orders.orders
     WHERE id = ANY(%(ids)s::uuid[])
       AND status = 'confirmed'
), facts AS (
    SELECT mine.mode, t.type AS step, t.at - mine.placed_at AS since
      FROM mine
      JOIN orders.timeline AS t ON t.order_id = mine.id
    UNION ALL
    SELECT mode, 'OrderConfirmed', ended_at - placed_at
      FROM mine
), timed AS (
    SELECT mode, step, extract(epoch FROM since)::float8 * 1000 AS ms
      FROM facts
)
SELECT mode,
       step,
       count(*)                                            AS orders,
       percentile_cont(0.50) WITHIN GROUP (ORDER BY ms)    AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY ms)    AS p95,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)    AS p99
  FROM timed
 GROUP BY mode, step
 ORDER BY p50
