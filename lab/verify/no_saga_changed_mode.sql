-- No saga changed its mode or epoch: every message that any service acted upon, and every saga of
-- the orchestrator, carries those that the order was admitted with. What could not be read has no
-- mode: it is on a dead-letter topic, and nobody acted upon it. Inboxes forget after a while; what
-- the order service heard of its orders is kept.
WITH carried AS (
    SELECT message_id, mode, epoch FROM orders.inbox
    UNION ALL
    SELECT message_id, mode, epoch FROM inventory.inbox
    UNION ALL
    SELECT message_id, mode, epoch FROM payment.inbox
    UNION ALL
    SELECT message_id, mode, epoch FROM shipping.inbox
    UNION ALL
    SELECT message_id, mode, epoch FROM notification.inbox
    UNION ALL
    SELECT message_id, mode, epoch FROM orchestrator.inbox
    UNION ALL
    SELECT message_id, mode, epoch FROM orders.timeline
    UNION ALL
    SELECT order_id::text, 'orchestration', epoch FROM orchestrator.sagas
), judged AS (
    SELECT c.message_id,
           coalesce((c.mode, c.epoch) = (o.mode, o.epoch), false) AS holds
      FROM carried AS c
      LEFT JOIN orders.orders AS o ON o.id::text = split_part(c.message_id, ':', 1)
     WHERE c.mode <> ''
)
SELECT count(*)                                   AS checked,
       count(*) FILTER (WHERE NOT holds)          AS violations,
       min(message_id) FILTER (WHERE NOT holds)   AS example
  FROM judged
