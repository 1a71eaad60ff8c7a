-- No saga changed its mode or epoch: every row that carries them agrees with the order's.
WITH carried AS (
    SELECT order_id, mode, epoch FROM inventory.reservations
    UNION ALL
    SELECT order_id, mode, epoch FROM payment.payments
    UNION ALL
    SELECT order_id, mode, epoch FROM shipping.shipments
    UNION ALL
    SELECT order_id, mode, epoch FROM notification.notifications
    UNION ALL
    SELECT order_id, mode, epoch FROM orders.timeline
    UNION ALL
    SELECT order_id, 'orchestration', epoch FROM orchestrator.sagas
), judged AS (
    SELECT c.order_id,
           coalesce((c.mode, c.epoch) = (o.mode, o.epoch), false) AS holds
      FROM carried AS c
      LEFT JOIN orders.orders AS o ON o.id = c.order_id
)
SELECT count(*)                                       AS checked,
       count(*) FILTER (WHERE NOT holds)              AS violations,
       min(order_id::text) FILTER (WHERE NOT holds)   AS example
  FROM judged
