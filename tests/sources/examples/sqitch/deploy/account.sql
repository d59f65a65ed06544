-- Deploy shop:account to pg

BEGIN;
CREATE TABLE account (id bigint PRIMARY KEY, email text NOT NULL);
COMMIT;
