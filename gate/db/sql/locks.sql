-- Relation locks of other transactions on the relations, their indexes and TOAST tables; pid 0 is a prepared transaction.
SELECT l.relation, l.mode, coalesce(l.pid, 0) AS pid, l.granted AS is_granted
FROM pg_catalog.pg_locks l
WHERE l.locktype = 'relation' AND l.mode <> 'SIReadLock'
  AND l.pid IS DISTINCT FROM pg_catalog.pg_backend_pid()
  AND l.database IN (0, (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
  AND l.relation IN (
      SELECT w.oid FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
      UNION ALL
      SELECT i.indexrelid FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
      JOIN pg_catalog.pg_index i ON i.indrelid = w.oid)
ORDER BY l.granted DESC, l.pid, l.relation
