-- All relations of whole schemas, of owners (and what was granted to them), or of the database.
SELECT c.oid
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
  AND n.nspname !~ '^pg_(temp|toast|catalog$)' AND n.nspname <> 'information_schema'
  AND (%(database)s
       OR n.nspname = ANY (%(schemas)s::pg_catalog.name[])
       OR EXISTS (SELECT FROM pg_catalog.pg_shdepend d JOIN pg_catalog.pg_roles r ON r.oid = d.refobjid
                  WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
                    AND d.dbid = (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())
                    AND r.rolname = ANY (%(owners)s::pg_catalog.name[])))
ORDER BY c.oid
