-- Types, functions and other objects of these roles: (catalog, oid) pairs.
SELECT d.classid::pg_catalog.regclass::text AS catalog, d.objid AS oid
FROM pg_catalog.pg_shdepend d
JOIN pg_catalog.pg_roles r ON r.oid = d.refobjid AND d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass
WHERE r.rolname = ANY (%(owners)s::pg_catalog.name[])
  AND d.dbid = (SELECT b.oid FROM pg_catalog.pg_database b WHERE b.datname = pg_catalog.current_database())
  AND d.classid <> 'pg_catalog.pg_class'::pg_catalog.regclass
