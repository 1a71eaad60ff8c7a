-- Orders of one run that are not done with: the customer was not told, or the orchestrator's saga
-- has not ended.
SELECT count(*) AS stuck
  FROM orders.orders AS o
  LEFT JOIN orchestrator.sagas AS s ON s.order_id = o.id
 WHERE o.id = ANY(%(ids)s::uuid[])
   AND (o.closed_at IS NULL OR s.status <> 'ended')
