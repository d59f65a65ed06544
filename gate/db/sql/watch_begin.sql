-- The watchdog's session: no question of it takes long, and its one long query is planned once.
SELECT pg_catalog.set_config('statement_timeout', '1s', false),
       pg_catalog.set_config('lock_timeout', '500ms', false),
       pg_catalog.set_config('idle_session_timeout', '0', false),
       pg_catalog.set_config('jit', 'off', false),
       pg_catalog.set_config('max_parallel_workers_per_gather', '0', false),
       pg_catalog.set_config('plan_cache_mode', 'force_generic_plan', false),
       -- No operator of a user's schema can take the place of the server's own; an empty path has pg_catalog anyway.
       pg_catalog.set_config('search_path', pg_catalog.regexp_replace(
           pg_catalog.current_setting('search_path'), '^(?=.*\S)', 'pg_catalog, '), false)
