-- What a mode still has to do. Open sagas are the orders whose customer was not told yet; an
-- order may be closed while a message of it is still unsent or waits for another try.
WITH unsent AS (
    SELECT mode FROM orders.outbox
    UNION ALL SELECT mode FROM inventory.outbox
    UNION ALL SELECT mode FROM payment.outbox
    UNION ALL SELECT mode FROM shipping.outbox
    UNION ALL SELECT mode FROM notification.outbox
    UNION ALL SELECT mode FROM orchestrator.outbox
), parked AS (
    SELECT message_id FROM orders.parked
    UNION ALL SELECT message_id FROM inventory.parked
    UNION ALL SELECT message_id FROM payment.parked
    UNION ALL SELECT message_id FROM shipping.parked
    UNION ALL SELECT message_id FROM notification.parked
    UNION ALL SELECT message_id FROM orchestrator.parked
)
SELECT (SELECT count(*)
          FROM orders.orders
         WHERE mode = %(mode)s
           AND closed_at IS NULL)                                           AS open,
       (SELECT count(*)
          FROM unsent
         WHERE mode = %(mode)s)                                             AS unsent,
       (SELECT count(*)
          FROM parked
          JOIN orders.orders AS o ON o.id::text = split_part(message_id, ':', 1)
         WHERE o.mode = %(mode)s)                                           AS parked
