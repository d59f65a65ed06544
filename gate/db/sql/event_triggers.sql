SELECT e.oid, e.evtname::text AS name, e.evtevent::text AS event, e.evtfoid AS function,
       e.evtenabled <> 'D' AS is_enabled, coalesce(e.evttags, '{}') AS tags
FROM pg_catalog.pg_event_trigger e ORDER BY e.evtname
