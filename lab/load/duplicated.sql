-- Idempotency keys of one load that made more than one order.
SELECT count(*) AS keys
  FROM (SELECT idempotency_key
          FROM orders.orders
         WHERE idempotency_key = ANY(%(keys)s)
         GROUP BY idempotency_key
        HAVING count(*) > 1) AS twice
