-- How many sagas of each mode were open at each moment of one load, from when they were placed
-- and when they were closed: exact, and without having watched.
WITH mine AS (
    SELECT mode, placed_at, coalesce(closed_at, now()) AS closed_at
      FROM orders.orders
     WHERE id = ANY(%(ids)s::uuid[])
), span AS (
    SELECT min(placed_at) AS began, max(closed_at) AS ended
      FROM mine
), moments AS (
    SELECT began, generate_series(began, ended, make_interval(secs => %(every)s)) AS moment
      FROM span
)
SELECT mode.name                                                  AS mode,
       extract(epoch FROM moment - began)::float8                 AS seconds,
       (SELECT count(*)
          FROM mine
         WHERE mine.mode = mode.name
           AND moment BETWEEN mine.placed_at AND mine.closed_at)  AS open
  FROM moments
 CROSS JOIN (VALUES ('orchestration'), ('choreography')) AS mode (name)
 ORDER BY mode.name, moment
