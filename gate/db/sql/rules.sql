-- A view's own `_RETURN` is among them: its relations are what the view reads.
SELECT r.oid, r.rulename::text AS name, r.ev_class AS relation, r.ev_type AS event, r.is_instead, r.ev_enabled IN ('O', 'A') AS is_enabled,
       ARRAY(SELECT DISTINCT d.refobjid FROM pg_catalog.pg_depend d
             WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
               AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class
             ORDER BY 1) AS relations
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_rewrite r ON r.ev_class = w.oid
ORDER BY r.ev_class, r.rulename
