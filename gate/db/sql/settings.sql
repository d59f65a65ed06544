-- Read before `begin` changes some of them. A setting that this server does not know is NULL.
SELECT w.name, pg_catalog.current_setting(w.name, true) AS value
FROM pg_catalog.unnest(%(names)s::text[]) w(name)
