-- What the history says of payments of orders that have ended, whatever any rule or point says.
SELECT
    orders.id::text AS order_id,
    ARRAY(SELECT item ->> 'sku' FROM jsonb_array_elements(orders.items) AS item) AS skus,
    coalesce(bool_or(told.type = 'PaymentAuthorized'), false) AS authorized,
    coalesce(
        min(told.at) FILTER (WHERE told.type = 'PaymentCaptured')
        < min(told.at) FILTER (WHERE told.type = 'ShipmentArranged'),
        bool_or(told.type = 'PaymentCaptured'),
        false
    ) AS captured_early
FROM orders.orders AS orders
LEFT JOIN orders.timeline AS told ON told.order_id = orders.id
WHERE orders.id = ANY(%(ids)s::uuid[]) AND orders.closed_at IS NOT NULL
GROUP BY orders.id, orders.items
