-- Every accepted order ends, confirmed or rejected with a reason, and its customer is told.
SELECT count(*)                                 AS checked,
       count(*) FILTER (WHERE NOT holds)        AS violations,
       min(id::text) FILTER (WHERE NOT holds)   AS example
  FROM (SELECT id,
               ended_at IS NOT NULL
               AND closed_at IS NOT NULL
               AND CASE status
                       WHEN 'confirmed' THEN reason IS NULL
                       WHEN 'rejected' THEN reason IS NOT NULL
                       ELSE false
                   END AS holds
          FROM orders.orders) AS each_order
