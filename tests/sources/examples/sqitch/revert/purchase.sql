-- Revert shop:purchase from pg

-- The index is that of the first release.
SELECT 1;
