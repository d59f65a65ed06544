-- migrate:up
-- Customers who left stand for themselves again, without a name; then the narrow column is as wide as the key.
INSERT INTO customers (id, email, name)
OVERRIDING SYSTEM VALUE
SELECT DISTINCT customer_id, 'former' || customer_id || '@shop.example', 'former customer'
FROM orders WHERE NOT EXISTS (SELECT FROM customers WHERE customers.id = orders.customer_id);
ALTER TABLE orders ALTER COLUMN customer_id TYPE bigint;
ALTER TABLE orders
    ADD CONSTRAINT orders_customer FOREIGN KEY (customer_id) REFERENCES customers (id);

-- migrate:down
ALTER TABLE orders DROP CONSTRAINT orders_customer;
