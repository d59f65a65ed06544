-- Bytes on disk of the relations and their indexes; each call opens the relation, so the locked ones are left out.
-- `table_bytes` holds the heap with its maps and the TOAST; for an index it is all of it. Every file is looked at once:
-- pg_table_size would look at the TOAST's again.
SELECT c.oid, CASE WHEN c.relkind <> 'i' THEN main.bytes END AS heap_bytes,
       main.bytes + pg_catalog.pg_relation_size(c.oid, 'fsm') + pg_catalog.pg_relation_size(c.oid, 'vm')
           + pg_catalog.pg_relation_size(c.oid, 'init') + coalesce(toast.bytes, 0) AS table_bytes,
       toast.bytes AS toast_bytes,
       -- Whether rows that left the heap may be there still: asked only where the heap is empty.
       CASE WHEN c.reltoastrelid <> 0 AND main.bytes = 0 THEN pg_catalog.pg_relation_size(c.reltoastrelid) END AS toast_heap_bytes
FROM (SELECT r.oid FROM pg_catalog.unnest(%(relations)s::oid[]) r(oid)
      UNION ALL
      SELECT i.indexrelid
      FROM pg_catalog.unnest(%(relations)s::oid[]) r(oid)
      JOIN pg_catalog.pg_index i ON i.indrelid = r.oid AND NOT i.indrelid = ANY (%(locked)s::oid[])) w(oid)
JOIN pg_catalog.pg_class c ON c.oid = w.oid
CROSS JOIN LATERAL (SELECT pg_catalog.pg_relation_size(c.oid) AS bytes) main
CROSS JOIN LATERAL (SELECT CASE WHEN c.reltoastrelid <> 0
                                THEN pg_catalog.pg_total_relation_size(c.reltoastrelid) END AS bytes) toast
WHERE c.relkind IN ('r', 'm', 't', 'i')
  AND NOT c.oid = ANY (%(locked)s::oid[]) AND NOT c.reltoastrelid = ANY (%(locked)s::oid[])
