-- Which columns have planner statistics, as whoever may read pg_statistic sees it, and their figures; no values. Slots of
-- kind 3 hold the correlation, those of kind 5 end with the average number of an array's elements. A partitioned table has
-- only those of the whole tree.
SELECT DISTINCT ON (s.starelid, s.staattnum)
       s.starelid AS relation, s.staattnum::int4 AS number, s.stawidth AS width_bytes, s.stanullfrac::float8 AS null_share,
       s.stadistinct::float8 AS distinct,
       (CASE 3 WHEN s.stakind1 THEN s.stanumbers1[1] WHEN s.stakind2 THEN s.stanumbers2[1] WHEN s.stakind3 THEN s.stanumbers3[1]
               WHEN s.stakind4 THEN s.stanumbers4[1] WHEN s.stakind5 THEN s.stanumbers5[1] END)::float8 AS correlation,
       (CASE 5 WHEN s.stakind1 THEN s.stanumbers1[pg_catalog.array_upper(s.stanumbers1, 1)]
               WHEN s.stakind2 THEN s.stanumbers2[pg_catalog.array_upper(s.stanumbers2, 1)]
               WHEN s.stakind3 THEN s.stanumbers3[pg_catalog.array_upper(s.stanumbers3, 1)]
               WHEN s.stakind4 THEN s.stanumbers4[pg_catalog.array_upper(s.stanumbers4, 1)]
               WHEN s.stakind5 THEN s.stanumbers5[pg_catalog.array_upper(s.stanumbers5, 1)] END)::float8 AS elements
FROM pg_catalog.unnest(%(relations)s::oid[]) w(oid)
JOIN pg_catalog.pg_statistic s ON s.starelid = w.oid
ORDER BY s.starelid, s.staattnum, s.stainherit
