-- Transactions of this database so far, everybody's: services, tests and whoever is looking.
SELECT xact_commit + xact_rollback AS transactions
  FROM pg_stat_database
 WHERE datname = current_database()
