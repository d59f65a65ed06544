-- The text of views and rules. The server opens whatever the query names, so those over a locked relation are left out.
SELECT r.ev_class AS relation, r.oid AS rule,
       CASE WHEN r.rulename = '_RETURN' THEN pg_catalog.pg_get_viewdef(r.ev_class)
            ELSE pg_catalog.pg_get_ruledef(r.oid) END AS definition
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_rewrite r ON r.ev_class = w.oid
WHERE NOT r.ev_class = ANY (%(locked)s::oid[])
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid
                    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                    AND d.refobjid = ANY (%(locked)s::oid[]))
