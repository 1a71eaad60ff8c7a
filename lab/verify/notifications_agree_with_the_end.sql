-- Each order that ended has one notification, which says how it ended; no other has any.
WITH told AS (
    SELECT order_id, count(*) AS notifications, min(kind) AS kind
      FROM notification.notifications
     GROUP BY order_id
), judged AS (
    SELECT coalesce(o.id, t.order_id) AS id,
           coalesce((t.notifications, t.kind) = (1, o.status), false) AS holds
      FROM (SELECT * FROM orders.orders WHERE ended_at IS NOT NULL) AS o
      FULL JOIN told AS t ON t.order_id = o.id
)
SELECT count(*)                                 AS checked,
       count(*) FILTER (WHERE NOT holds)        AS violations,
       min(id::text) FILTER (WHERE NOT holds)   AS example
  FROM judged
