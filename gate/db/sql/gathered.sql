-- Which columns have planner statistics, as whoever may read pg_statistic sees it.
SELECT DISTINCT s.starelid AS relation, s.staattnum::int4 AS number
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_statistic s ON s.starelid = w.oid
