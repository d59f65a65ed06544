-- migrate:up
CREATE TABLE account (id bigint PRIMARY KEY, email text NOT NULL);

-- migrate:down
DROP TABLE account;
