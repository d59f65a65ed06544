SELECT p.oid, p.polname::text AS name, p.polrelid AS relation,
       ARRAY(SELECT DISTINCT d.refobjid FROM pg_catalog.pg_depend d
             WHERE d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid
               AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> p.polrelid
             ORDER BY 1) AS relations
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_policy p ON p.polrelid = w.oid
ORDER BY p.polrelid, p.polname
