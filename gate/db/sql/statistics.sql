-- Extended statistics; the columns in their expressions come from pg_depend.
SELECT s.oid, n.nspname::text AS schema, s.stxname::text AS name, s.stxrelid AS relation,
       ARRAY(SELECT k.number::int4 FROM pg_catalog.unnest(pg_catalog.string_to_array(s.stxkeys::text, ' ')) k(number) WHERE k.number <> ''
             UNION
             SELECT d.refobjsubid FROM pg_catalog.pg_depend d
             WHERE d.classid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass AND d.objid = s.oid
               AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = s.stxrelid AND d.refobjsubid > 0
             ORDER BY 1) AS columns,
       pg_catalog.pg_get_userbyid(s.stxowner)::text AS owner,
       CASE WHEN NOT w.oid = ANY (%(locked)s::oid[]) THEN pg_catalog.pg_get_statisticsobjdef(s.oid) END AS written,
       c.description AS comment
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_statistic_ext s ON s.stxrelid = w.oid
JOIN pg_catalog.pg_namespace n ON n.oid = s.stxnamespace
LEFT JOIN pg_catalog.pg_description c ON c.classoid = 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass
    AND c.objoid = s.oid AND c.objsubid = 0
ORDER BY s.stxrelid, s.stxname
