-- The latest order of a mode, rather one that is over: of one under way the auditor would say, and
-- rightly, that a step was done before its time.
SELECT id::text, epoch
  FROM orders.orders
 WHERE mode = %(mode)s
 ORDER BY closed_at IS NULL, placed_at DESC
 LIMIT 1
