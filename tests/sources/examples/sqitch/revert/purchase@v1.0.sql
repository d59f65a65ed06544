-- Revert shop:purchase from pg

BEGIN;
DROP TABLE purchase;
COMMIT;
