-- Deploy shop:account_email to pg

CREATE INDEX CONCURRENTLY account_email ON account (email);
