-- Revert shop:account from pg

BEGIN;
DROP TABLE account;
COMMIT;
