-- Round two: from the named relations and objects to everything that a statement on them can reach.
-- Rows with a NULL `classid` are relations to read (`objid`); the others are edges of pg_depend.
WITH RECURSIVE
named (oid) AS (
    -- An index stands for its table, a sequence brings the table that owns it.
    SELECT coalesce(i.indrelid, r.oid)
    FROM pg_catalog.unnest(%(relations)s::oid[]) r(oid)
    LEFT JOIN pg_catalog.pg_index i ON i.indexrelid = r.oid
    UNION
    SELECT d.refobjid
    FROM pg_catalog.unnest(%(relations)s::oid[]) r(oid)
    JOIN pg_catalog.pg_class c ON c.oid = r.oid AND c.relkind = 'S'
    JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objid = c.oid
        AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.deptype IN ('a', 'i')
    UNION
    -- A statistics object by its name brings its table.
    SELECT s.stxrelid
    FROM ROWS FROM (pg_catalog.unnest(%(catalogs)s::text[]), pg_catalog.unnest(%(objects)s::oid[])) o(catalog, oid)
    JOIN pg_catalog.pg_statistic_ext s ON o.catalog = 'pg_statistic_ext' AND s.oid = o.oid
),
down (oid) AS (
    SELECT n.oid FROM named n
    UNION
    SELECT i.inhrelid FROM down d JOIN pg_catalog.pg_inherits i ON i.inhparent = d.oid
),
up (oid) AS (
    SELECT n.oid FROM named n
    UNION
    SELECT i.inhparent FROM up u JOIN pg_catalog.pg_inherits i ON i.inhrelid = u.oid
),
-- A new, attached or detached partition concerns the default partition beside it.
beside (oid) AS (
    SELECT p.partdefid FROM up u JOIN pg_catalog.pg_partitioned_table p ON p.partrelid = u.oid WHERE p.partdefid <> 0
    UNION
    SELECT i.inhrelid FROM beside b JOIN pg_catalog.pg_inherits i ON i.inhparent = b.oid
),
needs (classid, objid, objsubid) AS (
    SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, d.oid, 0 FROM down d
    UNION
    SELECT o.catalog::pg_catalog.regclass::oid, o.oid, 0
    FROM ROWS FROM (pg_catalog.unnest(%(catalogs)s::text[]), pg_catalog.unnest(%(objects)s::oid[])) o(catalog, oid)
    UNION
    SELECT e.classid, e.objid, e.objsubid
    FROM needs n CROSS JOIN LATERAL (
        SELECT d.classid, d.objid, d.objsubid
        FROM pg_catalog.pg_depend d
        WHERE d.refclassid = n.classid AND d.refobjid = n.objid AND (n.objsubid = 0 OR d.refobjsubid = n.objsubid)
        UNION ALL
        -- What a view's query needs, the view needs.
        SELECT 'pg_catalog.pg_class'::pg_catalog.regclass::oid, r.ev_class, 0
        FROM pg_catalog.pg_rewrite r
        WHERE n.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND r.oid = n.objid AND r.rulename = '_RETURN'
        UNION ALL
        -- A relation with a column of a type has a row type that holds it too.
        SELECT 'pg_catalog.pg_type'::pg_catalog.regclass::oid, c.reltype, 0
        FROM pg_catalog.pg_class c
        WHERE n.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND n.objsubid > 0 AND c.oid = n.objid AND c.reltype <> 0
    ) e
),
edges AS MATERIALIZED (
    SELECT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid, d.deptype,
           CASE d.classid
               WHEN 'pg_catalog.pg_class'::pg_catalog.regclass THEN coalesce(
                   (SELECT i.indrelid FROM pg_catalog.pg_index i WHERE i.indexrelid = d.objid), d.objid)
               WHEN 'pg_catalog.pg_constraint'::pg_catalog.regclass THEN
                   (SELECT nullif(c.conrelid, 0) FROM pg_catalog.pg_constraint c WHERE c.oid = d.objid)
               WHEN 'pg_catalog.pg_attrdef'::pg_catalog.regclass THEN
                   (SELECT a.adrelid FROM pg_catalog.pg_attrdef a WHERE a.oid = d.objid)
               WHEN 'pg_catalog.pg_rewrite'::pg_catalog.regclass THEN
                   (SELECT r.ev_class FROM pg_catalog.pg_rewrite r WHERE r.oid = d.objid)
               WHEN 'pg_catalog.pg_trigger'::pg_catalog.regclass THEN
                   (SELECT t.tgrelid FROM pg_catalog.pg_trigger t WHERE t.oid = d.objid)
               WHEN 'pg_catalog.pg_policy'::pg_catalog.regclass THEN
                   (SELECT p.polrelid FROM pg_catalog.pg_policy p WHERE p.oid = d.objid)
               WHEN 'pg_catalog.pg_statistic_ext'::pg_catalog.regclass THEN
                   (SELECT s.stxrelid FROM pg_catalog.pg_statistic_ext s WHERE s.oid = d.objid)
               WHEN 'pg_catalog.pg_publication_rel'::pg_catalog.regclass THEN
                   (SELECT p.prrelid FROM pg_catalog.pg_publication_rel p WHERE p.oid = d.objid)
               WHEN 'pg_catalog.pg_type'::pg_catalog.regclass THEN
                   (SELECT nullif(t.typrelid, 0) FROM pg_catalog.pg_type t WHERE t.oid = d.objid)
           END AS relation
    FROM needs n
    JOIN pg_catalog.pg_depend d
        ON d.refclassid = n.classid AND d.refobjid = n.objid AND (n.objsubid = 0 OR d.refobjsubid = n.objsubid)
),
-- Views, rules and policies read other relations, and through them their descendants.
reads (oid) AS (
    SELECT d.oid FROM down d
    UNION
    SELECT e.oid
    FROM reads r CROSS JOIN LATERAL (
        SELECT d.refobjid
        FROM pg_catalog.pg_rewrite w
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = w.oid
            AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        WHERE w.ev_class = r.oid
        UNION ALL
        SELECT d.refobjid
        FROM pg_catalog.pg_policy p
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid
            AND d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
        WHERE p.polrelid = r.oid
        UNION ALL
        SELECT i.inhrelid FROM pg_catalog.pg_inherits i WHERE i.inhparent = r.oid
    ) e(oid)
),
-- Rows that change here may change there: foreign keys with an action, and every one below a TRUNCATE ... CASCADE.
changed (oid, is_truncated) AS (
    SELECT t.oid, t.oid = ANY (%(cascades)s::oid[])
    FROM (SELECT r.oid FROM reads r UNION SELECT u.oid FROM up u UNION SELECT b.oid FROM beside b) t
    UNION
    SELECT e.oid, e.is_truncated
    FROM changed x CROSS JOIN LATERAL (
        SELECT c.conrelid, x.is_truncated
        FROM pg_catalog.pg_depend d
        JOIN pg_catalog.pg_constraint c ON c.oid = d.objid AND c.contype = 'f' AND c.confrelid = x.oid
            AND (x.is_truncated OR c.confdeltype NOT IN ('a', 'r') OR c.confupdtype NOT IN ('a', 'r'))
        WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = x.oid
          AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
        UNION ALL
        SELECT i.inhrelid, x.is_truncated FROM pg_catalog.pg_inherits i WHERE i.inhparent = x.oid
    ) e(oid, is_truncated)
),
-- Both ends of each foreign key, and whatever shows up as a dependent; then all that lies below them.
near (oid) AS (
    SELECT c.oid FROM changed c
    UNION
    SELECT c.confrelid FROM changed x
    JOIN pg_catalog.pg_constraint c ON c.conrelid = x.oid AND c.contype = 'f'
    UNION
    SELECT c.conrelid FROM changed x
    JOIN pg_catalog.pg_depend d ON d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid = x.oid
        AND d.classid = 'pg_catalog.pg_constraint'::pg_catalog.regclass
    JOIN pg_catalog.pg_constraint c ON c.oid = d.objid AND c.contype = 'f' AND c.confrelid = x.oid
    UNION
    SELECT e.relation FROM edges e WHERE e.relation IS NOT NULL
    UNION
    SELECT i.inhrelid FROM near n JOIN pg_catalog.pg_inherits i ON i.inhparent = n.oid
)
SELECT NULL::text AS catalog, n.oid AS objid, 0 AS objsubid, NULL::text AS refcatalog, NULL::oid AS refobjid,
       0 AS refobjsubid, NULL::text AS deptype, NULL::oid AS relation, NULL::text AS name
FROM near n
JOIN pg_catalog.pg_class c ON c.oid = n.oid AND c.relkind NOT IN ('i', 'I', 't')
UNION ALL
SELECT DISTINCT e.classid::pg_catalog.regclass::text, e.objid, e.objsubid, e.refclassid::pg_catalog.regclass::text, e.refobjid,
       e.refobjsubid, e.deptype::text, e.relation,
       -- Only what stands in the way of a DROP is ever named.
       CASE WHEN e.deptype = 'n' THEN pg_catalog.pg_describe_object(e.classid, e.objid, e.objsubid) ELSE '' END
FROM edges e
WHERE e.deptype <> 'p'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_class t
                  WHERE e.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND t.oid = e.refobjid AND t.relkind = 't')
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_class t
                  WHERE e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND t.oid = e.objid AND t.relkind = 't')
