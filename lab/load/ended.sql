-- Which of these orders have ended: asked again and again while a load runs, so by primary key only.
SELECT id::text AS id
  FROM orders.orders
 WHERE id = ANY(%(ids)s::uuid[])
   AND ended_at IS NOT NULL
