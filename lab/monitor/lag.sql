-- Of one load's orders: how long after the event that ended it one place showed each as over. `shown`
-- selects when it did.
SELECT extract(epoch FROM shown.at - told.at)::float8 * 1000 AS ms
  FROM orders.timeline AS told
  JOIN ({shown}) AS shown (order_id, at) USING (order_id)
 WHERE told.type = 'CustomerNotified'
   AND told.order_id = ANY(%(ids)s::uuid[])
   AND shown.at IS NOT NULL
