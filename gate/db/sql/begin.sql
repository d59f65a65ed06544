-- Everything that bounds the reading, for this transaction only (a pooler's next client must not inherit it).
-- pg_catalog is put in front, so that no operator of a user's schema can take the place of the server's own;
-- an empty search_path has it there anyway.
SELECT pg_catalog.set_config('search_path', pg_catalog.regexp_replace(
           pg_catalog.current_setting('search_path'), '^(?=.*\S)', 'pg_catalog, '), true),
       pg_catalog.set_config('lock_timeout', %(lock_timeout)s, true),
       pg_catalog.set_config('statement_timeout', %(statement_timeout)s, true),
       pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', true),
       -- Where the server has it (17), and whatever the role's own is.
       CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL
            THEN pg_catalog.set_config('transaction_timeout', '0', true) END,
       -- Literals in bounds, defaults and definitions are printed alike everywhere.
       pg_catalog.set_config('datestyle', 'ISO', true),
       pg_catalog.set_config('intervalstyle', 'postgres', true),
       pg_catalog.set_config('jit', 'off', true),
       pg_catalog.set_config('max_parallel_workers_per_gather', '0', true),
       -- Recursive unions get their hash tables by a wild guess at their size: megabytes to clear for a few rows.
       pg_catalog.set_config('work_mem', %(work_mem)s, true),
       pg_catalog.set_config('hash_mem_multiplier', '1', true),
       -- The queries are written in the order in which they are to be joined: less to plan.
       pg_catalog.set_config('join_collapse_limit', '1', true),
       -- A handful of objects in a large catalog: nested loops over indexes, whatever the catalog's statistics say.
       pg_catalog.set_config('enable_hashjoin', %(scans)s, true),
       pg_catalog.set_config('enable_mergejoin', %(scans)s, true),
       pg_catalog.set_config('enable_seqscan', %(scans)s, true)
