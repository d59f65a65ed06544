-- Deploy shop:purchase to pg

BEGIN;
CREATE INDEX IF NOT EXISTS purchase_account_id ON purchase (account_id);
COMMIT;
