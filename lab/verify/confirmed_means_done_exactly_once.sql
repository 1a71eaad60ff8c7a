-- Confirmed means reserved, authorized, captured and shipped, each exactly once, nothing taken
-- back, and the money taken is the order's total.
WITH moves AS (
    SELECT order_id,
           count(*) FILTER (WHERE move = 'reserved') AS reserved,
           count(*) FILTER (WHERE move = 'released') AS released,
           count(*) FILTER (WHERE move = 'shipped')  AS shipped
      FROM inventory.moves
     GROUP BY order_id
), money AS (
    SELECT order_id,
           count(*) FILTER (WHERE entry = 'authorized')                       AS authorized,
           count(*) FILTER (WHERE entry = 'captured')                         AS captured,
           count(*) FILTER (WHERE entry = 'voided')                           AS voided,
           coalesce(sum(amount_cents) FILTER (WHERE entry = 'captured'), 0)   AS captured_cents
      FROM payment.ledger
     GROUP BY order_id
), bookings AS (
    SELECT order_id, count(*) AS booked
      FROM shipping.bookings
     WHERE entry = 'booked'
     GROUP BY order_id
), confirmed AS (
    SELECT o.id,
           coalesce(
               (m.reserved, m.released, m.shipped) = (1, 0, 1)
               AND (p.authorized, p.captured, p.voided) = (1, 1, 0)
               AND p.captured_cents = o.total_cents
               AND b.booked = 1
               AND (r.status, y.status, s.status) = ('shipped', 'captured', 'arranged'),
               false) AS holds
      FROM orders.orders AS o
      LEFT JOIN moves AS m ON m.order_id = o.id
      LEFT JOIN money AS p ON p.order_id = o.id
      LEFT JOIN bookings AS b ON b.order_id = o.id
      LEFT JOIN inventory.reservations AS r ON r.order_id = o.id
      LEFT JOIN payment.payments AS y ON y.order_id = o.id
      LEFT JOIN shipping.shipments AS s ON s.order_id = o.id
     WHERE o.status = 'confirmed'
)
SELECT count(*)                                 AS checked,
       count(*) FILTER (WHERE NOT holds)        AS violations,
       min(id::text) FILTER (WHERE NOT holds)   AS example
  FROM confirmed
