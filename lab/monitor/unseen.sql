-- Choreographed orders that are over and that the tracker does not know to be: a new one begins with
-- what its topics still hold.
SELECT count(*) AS unseen
  FROM orders.orders AS o
  LEFT JOIN saga_tracker.sagas AS known ON known.order_id = o.id AND known.closed_at IS NOT NULL
 WHERE o.mode = 'choreography'
   AND o.closed_at IS NOT NULL
   AND known.order_id IS NULL
