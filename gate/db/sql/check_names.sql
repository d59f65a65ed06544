-- What a check may not touch: types whose operators are a user's, functions and operators that are not the server's, or
-- that a user's could stand in for under the statement's own search path, casts by a user's function.
-- A user's function counts unless one of its arguments is of a user's type that nothing in the check can become.
WITH RECURSIVE reached (oid) AS (
    SELECT t.oid FROM pg_catalog.unnest(%(types)s::oid[]) t(oid)
    UNION
    SELECT e.oid
    FROM reached r
    JOIN pg_catalog.pg_type t ON t.oid = r.oid
    CROSS JOIN LATERAL (VALUES (CASE WHEN t.typtype = 'd' THEN t.typbasetype END),
                               (CASE WHEN t.typcategory = 'A' THEN t.typelem END)) e(oid)
    WHERE e.oid <> 0
), strange (oid) AS (
    SELECT t.oid FROM pg_catalog.pg_type t
    WHERE t.oid >= 16384 AND NOT EXISTS (SELECT FROM reached r WHERE r.oid = t.oid)
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_cast k WHERE k.casttarget = t.oid AND k.castcontext = 'i')
), called AS (
    SELECT w.name, w.arguments
    FROM ROWS FROM (pg_catalog.unnest(%(functions)s::text[]), pg_catalog.unnest(%(arguments)s::int4[])) w(name, arguments)
)
SELECT 'type' AS kind, pg_catalog.format_type(t.oid, NULL) AS name
FROM reached r
JOIN pg_catalog.pg_type t ON t.oid = r.oid
WHERE NOT (t.oid < 16384 AND t.typtype IN ('b', 'r', 'm') OR t.typtype IN ('e', 'd')
           OR t.typcategory = 'A' AND t.typelem <> 0)
UNION ALL
SELECT 'function', w.name
FROM called w
WHERE w.name LIKE '%%\_to\_xml%%'
   OR NOT EXISTS (SELECT FROM pg_catalog.pg_proc p
                  WHERE p.proname = w.name AND p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace AND p.oid < 16384)
   OR EXISTS (SELECT FROM pg_catalog.pg_proc p
              WHERE p.proname = w.name AND p.pronamespace = 'pg_catalog'::pg_catalog.regnamespace
                AND (p.oid >= 16384 OR p.provolatile = 'v' OR p.prokind <> 'f' OR p.proretset))
UNION ALL
SELECT 'rival function', w.name
FROM called w
WHERE EXISTS (SELECT FROM pg_catalog.pg_proc p
              JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
              WHERE p.proname = w.name AND n.nspname = ANY (%(path)s::text[]) AND n.nspname <> 'pg_catalog'
                AND w.arguments >= p.pronargs - p.pronargdefaults - (p.provariadic <> 0)::int4
                AND (w.arguments <= p.pronargs OR p.provariadic <> 0)
                AND NOT EXISTS (SELECT FROM strange s WHERE s.oid = ANY (p.proargtypes::oid[])))
UNION ALL
SELECT 'rival operator', w.name
FROM pg_catalog.unnest(%(operators)s::text[]) w(name)
WHERE EXISTS (SELECT FROM pg_catalog.pg_operator o
              JOIN pg_catalog.pg_namespace n ON n.oid = o.oprnamespace
              WHERE o.oprname = w.name
                AND (n.nspname = ANY (%(path)s::text[]) OR n.nspname = 'pg_catalog') AND o.oid >= 16384
                AND NOT EXISTS (SELECT FROM strange s WHERE s.oid IN (o.oprleft, o.oprright)))
UNION ALL
SELECT 'cast', pg_catalog.format_type(k.castsource, NULL) || ' to ' || pg_catalog.format_type(k.casttarget, NULL)
FROM pg_catalog.pg_cast k
WHERE k.castfunc >= 16384
  AND (k.castsource < 16384 OR EXISTS (SELECT FROM reached r WHERE r.oid = k.castsource))
  AND (k.casttarget < 16384 OR EXISTS (SELECT FROM reached r WHERE r.oid = k.casttarget))
