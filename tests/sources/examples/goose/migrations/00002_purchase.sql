-- +goose Up
CREATE TABLE purchase (
    id bigint PRIMARY KEY,
    account_id bigint NOT NULL REFERENCES account
);
CREATE INDEX purchase_account_id ON purchase (account_id);
-- +goose StatementBegin
CREATE FUNCTION bought() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
    RETURN (SELECT count(*) FROM purchase);
END;
$$;
-- +goose StatementEnd

-- +goose Down
DROP FUNCTION bought();
DROP TABLE purchase;
