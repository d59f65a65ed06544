-- migrate:up
-- An integer that refers to a bigint, and some orders whose customer is gone.
ALTER TABLE orders
    ADD CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id);

-- migrate:down
ALTER TABLE orders DROP CONSTRAINT orders_customer;
