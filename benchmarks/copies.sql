-- Which sagas to copy, of both modes alike, and the id and the age of each copy: spread over the nine days before now,
-- within the retention of everything. Ids begin with their time, as those of real orders do.
CREATE SCHEMA history;

CREATE UNLOGGED TABLE history.templates AS
WITH ranked AS (
    SELECT id, mode, placed_at, row_number() OVER (PARTITION BY mode ORDER BY id DESC) AS rank
      FROM orders.orders
     WHERE closed_at IS NOT NULL
)
SELECT id::text AS old, placed_at, row_number() OVER (ORDER BY rank, mode) AS number
  FROM ranked
 WHERE rank <= %(templates)s / 2;

CREATE UNLOGGED TABLE history.copies AS
WITH numbered AS (
    SELECT n, interval '9 days' * (1 - (n - 1)::float8 / %(sagas)s) AS age
      FROM generate_series(1, %(sagas)s) AS n
)
SELECT old,
       (lpad(to_hex((extract(epoch FROM placed_at - age) * 1000)::bigint), 12, '0')
           || '7' || lpad(to_hex(n & 4095), 3, '0')
           || '8' || lpad(to_hex(n), 15, '0'))::uuid::text AS new,
       age
  FROM numbered
  JOIN history.templates ON number = 1 + n %% (SELECT count(*) FROM history.templates)
 ORDER BY n;

ANALYZE history.templates;
ANALYZE history.copies;
