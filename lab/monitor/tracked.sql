-- Of one load's orders: how long after the event that ended it the tracker showed each as ended.
SELECT extract(epoch FROM closed_at - (heard -> 'CustomerNotified' ->> 'at')::timestamptz)::float8
       * 1000 AS ms
  FROM saga_tracker.sagas
 WHERE order_id = ANY(%(ids)s::uuid[])
   AND closed_at IS NOT NULL
