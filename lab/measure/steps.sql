-- How long after its placing each fact about an order was known, by mode: what the customer's
-- timeline shows. Facts of orders that were rejected are left out, because they are other steps.
SELECT t.mode,
       t.type                                                        AS step,
       count(*)                                                      AS orders,
       percentile_cont(0.50) WITHIN GROUP (ORDER BY since.ms)        AS p50,
       percentile_cont(0.95) WITHIN GROUP (ORDER BY since.ms)        AS p95,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY since.ms)        AS p99
  FROM orders.timeline AS t
  JOIN orders.orders AS o ON o.id = t.order_id,
       LATERAL (SELECT extract(epoch FROM t.at - o.placed_at)::float8 * 1000 AS ms) AS since
 WHERE o.id = ANY(%(ids)s::uuid[])
   AND o.status = 'confirmed'
   AND t.type <> 'OrderPlaced'
 GROUP BY t.mode, t.type
 ORDER BY p50
