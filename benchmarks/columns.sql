-- A table's columns and their types, without those that are numbered or computed.
SELECT column_name, data_type
  FROM information_schema.columns
 WHERE table_schema = %(schema)s
   AND table_name = %(table)s
   AND is_identity = 'NO'
   AND is_generated = 'NEVER'
 ORDER BY ordinal_position
