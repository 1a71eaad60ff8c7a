-- What one kill did to the orders that lived through it: the longest time in which no order was
-- completed, how long after the kill the last one of those that had to wait for its end was, and
-- how long any of them took. An order is completed when its customer is told.
WITH mine AS (
    SELECT extract(epoch FROM o.placed_at)::float8      AS placed,
           extract(epoch FROM min(n.sent_at))::float8   AS done
      FROM orders.orders AS o
      LEFT JOIN notification.notifications AS n ON n.order_id = o.id
     WHERE o.id = ANY(%(ids)s::uuid[])
     GROUP BY o.id, o.placed_at
), alive AS (
    SELECT placed, done
      FROM mine
     WHERE placed <= %(over)s
       AND coalesce(done, 'infinity') >= %(killed)s
), moments AS (
    SELECT %(killed)s::float8 AS moment
    UNION ALL
    SELECT done FROM alive WHERE done <= %(over)s
), pauses AS (
    SELECT moment, moment - lag(moment) OVER (ORDER BY moment) AS pause
      FROM moments
), longest AS (
    SELECT moment, pause FROM pauses WHERE pause IS NOT NULL ORDER BY pause DESC LIMIT 1
)
SELECT count(*)                                                             AS orders,
       (SELECT pause FROM longest)                                          AS gap,
       max(done) FILTER (WHERE placed <= (SELECT moment FROM longest)) - %(killed)s AS backlog,
       max(done - placed)                                                   AS worst
  FROM alive
