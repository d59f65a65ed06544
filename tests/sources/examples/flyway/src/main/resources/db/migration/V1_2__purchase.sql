CREATE TABLE purchase (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account
);
CREATE INDEX purchase_account_id ON purchase (account_id);
COPY account (id, email) FROM STDIN;
1	ann@example.com
2	bo;b@example.com
\.
