-- How many orders that were placed by a moment have a customer who was not told how they ended.
SELECT count(*) AS orders
  FROM orders.orders AS o
 WHERE o.closed_at IS NULL
   AND o.placed_at <= to_timestamp(%(moment)s)
   AND NOT EXISTS (SELECT FROM notification.notifications AS n WHERE n.order_id = o.id)
