-- The latest order of a mode.
SELECT id::text, epoch FROM orders.orders WHERE mode = %(mode)s ORDER BY placed_at DESC LIMIT 1
