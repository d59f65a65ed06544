-- migrate:up
CREATE TABLE customers (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email text NOT NULL UNIQUE,
    name text NOT NULL,
    phone varchar(40),
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE products (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    sku varchar(20) NOT NULL UNIQUE,
    title text NOT NULL,
    price_cents integer NOT NULL CHECK (price_cents >= 0)
);

CREATE TYPE order_status AS ENUM ('new', 'paid', 'shipped', 'returned');

CREATE TABLE orders (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    customer_id integer NOT NULL, -- narrower than the key it names, and without a foreign key
    status order_status NOT NULL DEFAULT 'new',
    shipping_note text,
    total_cents integer NOT NULL,
    placed_at timestamptz NOT NULL
);

CREATE INDEX orders_placed_at ON orders (placed_at);

CREATE TABLE order_lines (
    order_id bigint NOT NULL REFERENCES orders (id),
    position smallint NOT NULL,
    product_id bigint NOT NULL REFERENCES products (id),
    quantity integer NOT NULL,
    price_cents integer NOT NULL,
    PRIMARY KEY (order_id, position)
);

CREATE VIEW open_orders AS SELECT id, placed_at FROM orders WHERE status IN ('new', 'paid');

-- migrate:down
DROP VIEW open_orders;
DROP TABLE order_lines, orders, products, customers;
DROP TYPE order_status;
