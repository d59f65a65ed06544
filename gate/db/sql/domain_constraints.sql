-- A domain's expression names no relation, so that reading it waits for nobody.
SELECT c.oid, c.contypid AS type, c.conname::text AS name, c.contype AS kind, c.convalidated AS is_valid,
       pg_catalog.pg_get_expr(c.conbin, 0) AS expression
FROM pg_catalog.unnest(%(types)s::oid[]) w(oid)
JOIN pg_catalog.pg_constraint c ON c.contypid = w.oid
ORDER BY c.contypid, c.conname
