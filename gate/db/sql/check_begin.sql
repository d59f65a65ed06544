-- Everything that bounds a data check. Without users' schemas on the path no function or operator of theirs can run; the
-- temporary schema stands last.
SELECT pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true),
       pg_catalog.set_config('row_security', 'off', true),
       pg_catalog.set_config('lock_timeout', %(lock_timeout)s, true),
       pg_catalog.set_config('statement_timeout', %(statement_timeout)s, true),
       pg_catalog.set_config('idle_in_transaction_session_timeout', '60s', true),
       CASE WHEN pg_catalog.current_setting('transaction_timeout', true) IS NOT NULL
            THEN pg_catalog.set_config('transaction_timeout', '0', true) END AS transaction_timeout,
       pg_catalog.set_config('jit', 'off', true),
       pg_catalog.set_config('max_parallel_workers_per_gather', '0', true),
       pg_catalog.set_config('synchronize_seqscans', 'off', true),
       -- One hash table, not one on disk.
       pg_catalog.set_config('work_mem', greatest(pg_catalog.pg_size_bytes(pg_catalog.current_setting('work_mem')) / 1024,
                                                  32768)::text, true),
       -- All rows of the cursor are wanted, not the first ones soon.
       pg_catalog.set_config('cursor_tuple_fraction', '1', true),
       current_user::text AS reader
