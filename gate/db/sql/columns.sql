-- A default's volatility is read from its stored tree: pg_depend leaves the server's own functions out. A conversion by
-- way of text counts as stable, which most are.
SELECT a.attrelid AS relation, a.attnum AS number, a.attname::text AS name, a.atttypid AS type, a.atttypmod AS typmod,
       a.attcollation AS collation, a.attnotnull AS is_not_null,
       CASE WHEN NOT a.attrelid = ANY (%(locked)s::oid[]) THEN pg_catalog.pg_get_expr(d.adbin, d.adrelid) END AS default,
       CASE WHEN d.oid IS NOT NULL THEN
           greatest('i', (
               SELECT max(coalesce(p.provolatile::text, CASE f.node[2] WHEN 'NEXTVALUEEXPR' THEN 'v' ELSE 's' END))
               FROM pg_catalog.regexp_matches(d.adbin::text,
                   ':(?:op)?funcid (\d+)|{(NEXTVALUEEXPR|SQLVALUEFUNCTION|COERCEVIAIO) ', 'g') f(node)
               LEFT JOIN pg_catalog.pg_proc p ON p.oid = f.node[1]::oid))
       END AS volatility,
       a.attidentity::text AS identity, a.attgenerated::text AS generated,
       a.attislocal AS is_local, a.attinhcount::int4 AS inherit_count,
       a.attstorage::text AS storage,
       coalesce(a.attstattarget, -1)::int4 AS statistics_target, coalesce(a.attoptions, '{}') AS options,
       CASE WHEN a.attacl IS NOT NULL THEN (
           SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(
               CASE g.grantee WHEN 0 THEN '' ELSE pg_catalog.pg_get_userbyid(g.grantee)::text END, g.privilege_type,
               g.is_grantable, pg_catalog.pg_get_userbyid(g.grantor)::text))
           FROM pg_catalog.aclexplode(a.attacl) g) END AS grants,
       c.description AS comment,
       NOT pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS is_hidden
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef
LEFT JOIN pg_catalog.pg_description c ON c.classoid = 'pg_catalog.pg_class'::pg_catalog.regclass
    AND c.objoid = a.attrelid AND c.objsubid = a.attnum
ORDER BY a.attrelid, a.attnum
