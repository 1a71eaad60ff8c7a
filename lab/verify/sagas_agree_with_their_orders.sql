-- The orchestrator has a saga for each orchestrated order, ended as the order did, and for no
-- other order.
WITH judged AS (
    SELECT coalesce(o.id, s.order_id) AS id,
           CASE o.mode
               WHEN 'orchestration'
                   THEN coalesce((s.status, s.outcome) = ('ended', o.status), false)
               WHEN 'choreography'
                   THEN s.order_id IS NULL
               ELSE false
           END AS holds
      FROM orders.orders AS o
      FULL JOIN orchestrator.sagas AS s ON s.order_id = o.id
)
SELECT count(*)                                 AS checked,
       count(*) FILTER (WHERE NOT holds)        AS violations,
       min(id::text) FILTER (WHERE NOT holds)   AS example
  FROM judged
