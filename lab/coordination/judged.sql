-- How the orders of a mode fared that ended lately, and those that have been open for long. What
-- the customer's own card, address or wish ended is an answer, not a failure of ours, and so is what
-- a rule denied. The time for which rules hold an order does not count, as in the services' metrics,
-- which are asked on a cluster.
WITH ended AS (
    SELECT status = 'rejected'
           AND reason !~ ('^(' || array_to_string(%(answers)s::text[], '|') || ')$') AS failed,
           extract(epoch FROM ended_at - placed_at)::float8
           - (SELECT coalesce(sum(extract(epoch FROM upper(held) - lower(held))), 0)::float8
                FROM (SELECT unnest(range_agg(tstzrange(held_at, greatest(
                                 held_at, least(answered_at, until, ended_at))))) AS held
                        FROM orders.holds
                       WHERE order_id = id) AS stretches)              AS seconds
      FROM orders.orders
     WHERE mode = %(mode)s
       AND id >= %(first)s
       AND ended_at > clock_timestamp() - make_interval(secs => %(window)s)
), open AS (
    SELECT (SELECT greatest(placed_at, max(least(answered_at, until, ended_at)))
              FROM orders.holds
             WHERE order_id = id)                                      AS since
      FROM orders.orders
     WHERE mode = %(mode)s
       AND closed_at IS NULL
)
SELECT (SELECT avg(failed::int)::float8 FROM ended)                    AS error_share,
       (SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY seconds)
          FROM ended)                                                  AS latency_p99,
       (SELECT greatest(coalesce(
                   extract(epoch FROM clock_timestamp() - min(since)), 0), 0)::float8
          FROM open)                                                   AS oldest_saga_age
