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
       NOT pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT') AS is_hidden
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.atthasdef
ORDER BY a.attrelid, a.attnum
