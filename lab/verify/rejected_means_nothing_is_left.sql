-- Rejected means that nothing is held, charged or shipped: whatever was reserved was released,
-- whatever was authorized was voided, and no carrier was booked.
WITH moves AS (
    SELECT order_id,
           count(*) FILTER (WHERE move = 'reserved')
         - count(*) FILTER (WHERE move = 'released') AS held,
           count(*) FILTER (WHERE move = 'shipped')  AS shipped
      FROM inventory.moves
     GROUP BY order_id
), money AS (
    SELECT order_id,
           coalesce(sum(amount_cents) FILTER (WHERE entry = 'authorized'), 0)
         - coalesce(sum(amount_cents) FILTER (WHERE entry = 'voided'), 0) AS open_cents,
           count(*) FILTER (WHERE entry = 'captured')                     AS captured
      FROM payment.ledger
     GROUP BY order_id
), rejected AS (
    SELECT o.id,
           coalesce((m.held, m.shipped) = (0, 0), true)
           AND coalesce((p.open_cents, p.captured) = (0, 0), true)
           AND NOT EXISTS (SELECT FROM shipping.bookings AS b WHERE b.order_id = o.id)
           AND coalesce(r.status IN ('rejected', 'released'), true)
           AND coalesce(y.status IN ('declined', 'voided'), true)
           AND coalesce(s.status IN ('refused', 'cancelled'), true) AS holds
      FROM orders.orders AS o
      LEFT JOIN moves AS m ON m.order_id = o.id
      LEFT JOIN money AS p ON p.order_id = o.id
      LEFT JOIN inventory.reservations AS r ON r.order_id = o.id
      LEFT JOIN payment.payments AS y ON y.order_id = o.id
      LEFT JOIN shipping.shipments AS s ON s.order_id = o.id
     WHERE o.status = 'rejected'
)
SELECT count(*)                                 AS checked,
       count(*) FILTER (WHERE NOT holds)        AS violations,
       min(id::text) FILTER (WHERE NOT holds)   AS example
  FROM rejected
