-- How the orders of a mode fared that ended lately, and those that have been open for long. What
-- the customer's own card, address or wish ended is an answer, not a failure of ours, and so is what
-- a rule denied.
WITH ended AS (
    SELECT status = 'rejected'
           AND reason !~ ('^(' || array_to_string(%(answers)s::text[], '|') || ')$') AS failed,
           extract(epoch FROM ended_at - placed_at)::float8            AS seconds
      FROM orders.orders
     WHERE mode = %(mode)s
       AND id >= %(first)s
       AND ended_at > clock_timestamp() - make_interval(secs => %(window)s)
)
SELECT (SELECT avg(failed::int)::float8 FROM ended)                    AS error_share,
       (SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds)
          FROM ended)                                                  AS latency_p99,
       (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(placed_at)), 0)::float8
          FROM orders.orders
         WHERE mode = %(mode)s
           AND closed_at IS NULL)                                      AS oldest_saga_age
