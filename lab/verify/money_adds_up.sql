-- Per payment: authorized = captured + voided + open, in the ledger, and the payment's status
-- says which of them it is. A void that came before its authorization has no entries.
WITH money AS (
    SELECT order_id,
           coalesce(sum(amount_cents) FILTER (WHERE entry = 'authorized'), 0) AS authorized,
           coalesce(sum(amount_cents) FILTER (WHERE entry = 'captured'), 0)   AS captured,
           coalesce(sum(amount_cents) FILTER (WHERE entry = 'voided'), 0)     AS voided
      FROM payment.ledger
     GROUP BY order_id
), each_payment AS (
    SELECT coalesce(p.order_id, m.order_id) AS id,
           p.status,
           p.amount_cents,
           coalesce(m.authorized, 0) AS authorized,
           coalesce(m.captured, 0)   AS captured,
           coalesce(m.voided, 0)     AS voided
      FROM payment.payments AS p
      FULL JOIN money AS m ON m.order_id = p.order_id
), judged AS (
    SELECT id,
           CASE status
               WHEN 'authorized' THEN (authorized, captured, voided) = (amount_cents, 0, 0)
               WHEN 'captured' THEN (authorized, captured, voided) = (amount_cents, amount_cents, 0)
               WHEN 'voided' THEN (captured, voided) = (0, authorized)
               WHEN 'declined' THEN (authorized, captured, voided) = (0, 0, 0)
               ELSE false
           END AS holds
      FROM each_payment
)
SELECT count(*)                                 AS checked,
       count(*) FILTER (WHERE NOT holds)        AS violations,
       min(id::text) FILTER (WHERE NOT holds)   AS example
  FROM judged
