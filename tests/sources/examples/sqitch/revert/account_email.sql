-- Revert shop:account_email from pg

DROP INDEX CONCURRENTLY account_email;
