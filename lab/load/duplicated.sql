-- Orders of one load that do not stand under the key their customer sent: that alone keeps a request
-- whose answer was lost from making another order when it is repeated.
SELECT count(*) AS orders
  FROM unnest(%(keys)s::text[], %(ids)s::uuid[]) AS told (key, id)
  JOIN orders.orders USING (id)
 WHERE idempotency_key IS DISTINCT FROM told.key
