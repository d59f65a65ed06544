-- User-defined ones only: the server's own are known by their name.
SELECT o.oid, n.nspname::text AS schema, o.oprname::text AS name, o.oprleft AS left, o.oprright AS right,
       p.provolatile AS volatility
FROM pg_catalog.pg_operator o
JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
JOIN pg_catalog.pg_proc p ON p.oid = o.oprcode
WHERE (%(all)s OR o.oprname = ANY (%(names)s::pg_catalog.name[])) AND n.nspname <> 'pg_catalog'
ORDER BY o.oid
