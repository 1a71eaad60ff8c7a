-- Of the open sagas of one mode: how many there are, of how many of them one place knows, and of how
-- many it has heard the last word of everybody who has said something. `heard` selects what it has
-- heard of `open.id`.
WITH open AS MATERIALIZED (
    SELECT id, status
      FROM orders.orders
     WHERE closed_at IS NULL
       AND mode = %(mode)s
), said AS MATERIALIZED (
    SELECT id, 'OrderPlaced' AS event FROM open
     UNION ALL
    SELECT id, 'Order' || initcap(status) FROM open WHERE status <> 'pending'
     UNION ALL
    SELECT id, 'Stock' || initcap(mine.status)
      FROM open JOIN inventory.reservations AS mine ON mine.order_id = id
     UNION ALL
    SELECT id, 'Payment' || initcap(mine.status)
      FROM open JOIN payment.payments AS mine ON mine.order_id = id
     UNION ALL
    SELECT id, 'Shipment' || initcap(mine.status)
      FROM open JOIN shipping.shipments AS mine ON mine.order_id = id
     UNION ALL
    SELECT id, 'CustomerNotified'
      FROM open JOIN notification.told AS mine ON mine.order_id = id
), looked AS (
    SELECT EXISTS ({heard}) AS known,
           NOT EXISTS (
               SELECT said.event FROM said WHERE said.id = open.id
               EXCEPT ALL
               ({heard})
           ) AS current
      FROM open
)
SELECT count(*) AS open,
       count(*) FILTER (WHERE known) AS known,
       count(*) FILTER (WHERE current) AS current
  FROM looked
