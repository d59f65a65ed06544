-- Foreign keys that point here, found through pg_depend: pg_constraint has no index on confrelid.
SELECT DISTINCT c.confrelid AS relation, c.conrelid AS table, c.oid AS constraint
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = w.oid
    AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
JOIN pg_catalog.pg_constraint c ON c.oid = d.objid AND c.contype = 'f' AND c.confrelid = w.oid
ORDER BY 1, 2, 3
