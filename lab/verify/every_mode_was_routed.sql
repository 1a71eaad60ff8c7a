-- Every order's mode and epoch is one that the route allowed when it was placed: within a weight
-- of 1 to 99 both modes, otherwise the one; and never before or after its epoch.
WITH epochs AS (
    SELECT epoch, mode, weight, changed_at,
           lead(changed_at, 1, 'infinity') OVER (ORDER BY epoch) AS until
      FROM orders.route_history
), judged AS (
    SELECT o.id,
           coalesce(
               CASE WHEN o.mode = e.mode THEN e.weight > 0 ELSE e.weight < 100 END
               AND o.placed_at BETWEEN e.changed_at AND e.until,
               false) AS holds
      FROM orders.orders AS o
      LEFT JOIN epochs AS e ON e.epoch = o.epoch
)
SELECT count(*)                                 AS checked,
       count(*) FILTER (WHERE NOT holds)        AS violations,
       min(id::text) FILTER (WHERE NOT holds)   AS example
  FROM judged
