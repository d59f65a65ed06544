-- Names of relations and constraints that begin as those chosen for one of these tables do: a chosen name keeps at least
-- 24 bytes of the table's (makeObjectName). The bounds let the indexes on names be used.
SELECT n.nspname::text AS schema, x.name, x.is_constraint
FROM pg_catalog.pg_class t
CROSS JOIN LATERAL (
    SELECT CASE WHEN pg_catalog.octet_length(t.relname::text) <= 24 THEN t.relname::text || '_'
                ELSE pg_catalog.left(t.relname::text, 6) END AS low
) p
CROSS JOIN LATERAL (
    SELECT p.low::pg_catalog.name AS low,
           (pg_catalog.left(p.low, -1) || pg_catalog.chr(pg_catalog.ascii(pg_catalog.right(p.low, 1)) + 1))
           ::pg_catalog.name AS high
) b
CROSS JOIN LATERAL (
    SELECT c.conname::text AS name, true AS is_constraint FROM pg_catalog.pg_constraint c
    WHERE c.conname >= b.low AND c.conname < b.high AND c.connamespace = t.relnamespace
    UNION ALL
    SELECT r.relname::text, false FROM pg_catalog.pg_class r
    WHERE r.relname >= b.low AND r.relname < b.high AND r.relnamespace = t.relnamespace
) x
JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
WHERE t.oid = ANY (%(relations)s::oid[]) AND t.relkind IN ('r', 'p', 'm')
