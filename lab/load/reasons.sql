-- Why one load's orders were rejected.
SELECT mode, coalesce(reason, 'none given') AS reason, count(*) AS orders
  FROM orders.orders
 WHERE id = ANY(%(ids)s::uuid[])
   AND status = 'rejected'
 GROUP BY mode, reason
 ORDER BY mode DESC, orders DESC
