-- Of the open sagas of one mode: how many there are, and how many of them somebody who watches all
-- of them has heard of. `knows` is whose table that is.
SELECT count(*) AS open, count(known.order_id) AS known
  FROM orders.orders AS o
  LEFT JOIN {knows} AS known ON known.order_id = o.id
 WHERE o.closed_at IS NULL
   AND o.mode = %(mode)s
