-- The latency of each percent of one load's orders, by mode.
SELECT mode,
       count(*) AS orders,
       percentile_cont((SELECT array_agg(percent / 100.0 ORDER BY percent)
                          FROM generate_series(1, 99) AS percent))
           WITHIN GROUP (ORDER BY extract(epoch FROM ended_at - placed_at)::float8 * 1000)
           AS latency_ms
  FROM orders.orders
 WHERE id = ANY(%(ids)s::uuid[])
   AND ended_at IS NOT NULL
 GROUP BY mode
