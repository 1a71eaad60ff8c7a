-- The database's clock, by which orders are placed and end.
SELECT extract(epoch FROM clock_timestamp())::float8 AS seconds
