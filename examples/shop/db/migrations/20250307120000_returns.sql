-- migrate:up
CREATE TABLE returns (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id bigint NOT NULL REFERENCES orders (id),
    reason text NOT NULL,
    received_at timestamptz
);
CREATE INDEX returns_order_id ON returns (order_id); -- on a table of this same release: nobody can be waiting

-- migrate:down
DROP TABLE returns;
