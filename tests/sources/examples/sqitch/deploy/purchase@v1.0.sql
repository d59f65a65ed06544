-- Deploy shop:purchase to pg

BEGIN;
CREATE TABLE purchase (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account
);
CREATE INDEX purchase_account_id ON purchase (account_id);
COMMIT;
