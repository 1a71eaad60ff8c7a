-- What became of one load's orders, by mode, in the database's own clock.
-- Latency is from admission to the end; throughput is over the time in which the orders ended.
WITH mine AS (
    SELECT mode, status, ended_at, placed_at,
           extract(epoch FROM ended_at - placed_at)::float8 * 1000 AS latency_ms
      FROM orders.orders
     WHERE id = ANY(%(ids)s::uuid[])
)
SELECT mode,
       count(*)                                                             AS orders,
       count(*) FILTER (WHERE status = 'confirmed')                         AS confirmed,
       count(*) FILTER (WHERE status = 'rejected')                          AS rejected,
       count(ended_at)                                                      AS ended,
       percentile_cont(0.50) WITHIN GROUP (ORDER BY latency_ms)             AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY latency_ms)             AS p95,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY latency_ms)             AS p99,
       extract(epoch FROM max(ended_at) - min(placed_at))::float8           AS seconds
  FROM mine
 GROUP BY mode
 ORDER BY mode DESC
