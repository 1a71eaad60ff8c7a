-- No effect happened twice: the four append-only journals have each of an order's entries once.
WITH effects AS (
    SELECT order_id, 'stock ' || move AS effect FROM inventory.moves
    UNION ALL
    SELECT order_id, 'payment ' || entry FROM payment.ledger
    UNION ALL
    SELECT order_id, 'shipment ' || entry FROM shipping.bookings
    UNION ALL
    SELECT order_id, 'notified ' || kind FROM notification.notifications
), counted AS (
    SELECT order_id, effect, count(*) AS times
      FROM effects
     GROUP BY order_id, effect
)
SELECT count(*)                                                           AS checked,
       count(*) FILTER (WHERE times > 1)                                  AS violations,
       min(order_id::text || ' ' || effect) FILTER (WHERE times > 1)      AS example
  FROM counted
