-- The latest confirmed order of a mode that is over. Whatever its poison says was told long ago; of
-- any other order the auditor would say, and rightly, that a step was done that nobody asked for.
SELECT id::text, epoch
  FROM orders.orders
 WHERE mode = %(mode)s AND status = 'confirmed' AND closed_at IS NOT NULL
 ORDER BY placed_at DESC
 LIMIT 1
