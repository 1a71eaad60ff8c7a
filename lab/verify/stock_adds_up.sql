-- Per SKU: on hand + reserved + shipped = stocked, none of them negative, and what the
-- reservations say is reserved and shipped is what the stock row says.
WITH reserved_items AS (
    SELECT item ->> 'sku'                                                          AS sku,
           sum((item ->> 'quantity')::bigint) FILTER (WHERE status = 'reserved')   AS reserved,
           sum((item ->> 'quantity')::bigint) FILTER (WHERE status = 'shipped')    AS shipped
      FROM inventory.reservations, jsonb_array_elements(items) AS item
     WHERE status IN ('reserved', 'shipped')
     GROUP BY sku
), each_sku AS (
    SELECT coalesce(s.sku, i.sku) AS sku,
           coalesce(
               s.on_hand + s.reserved + s.shipped = s.stocked
               AND least(s.on_hand, s.reserved, s.shipped) >= 0
               AND s.reserved = coalesce(i.reserved, 0)
               AND s.shipped = coalesce(i.shipped, 0),
               false) AS holds
      FROM inventory.stock AS s
      FULL JOIN reserved_items AS i ON i.sku = s.sku
)
SELECT count(*)                           AS checked,
       count(*) FILTER (WHERE NOT holds)  AS violations,
       min(sku) FILTER (WHERE NOT holds)  AS example
  FROM each_sku
