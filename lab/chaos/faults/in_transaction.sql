-- Whether a worker's transaction is open and the server waits for its next word; in a pipeline it
-- counts as active while it waits.
SELECT count(*) AS connections
  FROM pg_stat_activity
 WHERE application_name = %(worker)s
   AND (state = 'idle in transaction' OR state = 'active' AND wait_event = 'ClientRead')
