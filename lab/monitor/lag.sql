-- Of one load's orders: how long after the event that ended it one place showed each as over. `shown`
-- selects when it did. An end that was told again is no end of its own.
WITH told AS (
    SELECT order_id, min(at) AS at
      FROM orders.timeline
     WHERE type = 'CustomerNotified'
       AND order_id = ANY(%(ids)s::uuid[])
     GROUP BY order_id
)
SELECT extract(epoch FROM shown.at - told.at)::float8 * 1000 AS ms
  FROM told
  JOIN ({shown}) AS shown (order_id, at) USING (order_id)
 WHERE shown.at IS NOT NULL
