-- The tables with the most rows, as the planner knows them: where numbers run out first.
SELECT c.oid
FROM pg_catalog.pg_class c
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND c.oid >= 16384
ORDER BY c.reltuples DESC, c.oid
LIMIT %(most)s
