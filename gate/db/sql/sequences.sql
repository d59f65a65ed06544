-- Positions are read elsewhere: the function that tells them takes a stronger lock than gate allows itself.
SELECT s.seqrelid AS oid, s.seqtypid AS type, s.seqmax AS maximum, s.seqincrement AS increment,
       s.seqstart AS start, s.seqmin AS minimum, s.seqcache AS cache, s.seqcycle AS cycles,
       CASE WHEN r.relacl IS NOT NULL THEN (
           SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
               CASE g.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(g.grantee)::text END, g.privilege_type,
               g.is_grantable, pg_catalog.pg_get_userbyid(g.grantor)::text))
           FROM pg_catalog.aclexplode(r.relacl) g) END AS grants,
       c.description AS comment,
       coalesce(d.refobjid, 0) AS owner_table, coalesce(d.refobjsubid, 0) AS owner_column,
       coalesce(d.deptype = 'i', false) AS is_identity,
       pg_catalog.has_sequence_privilege(s.seqrelid, 'SELECT') AS is_readable
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_sequence s ON s.seqrelid = w.oid
JOIN pg_catalog.pg_class r ON r.oid = s.seqrelid
LEFT JOIN pg_catalog.pg_description c ON c.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND c.objoid = s.seqrelid AND c.objsubid = 0
LEFT JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = s.seqrelid
    AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
