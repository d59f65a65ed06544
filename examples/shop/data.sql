-- About a million rows, the same ones every time.

INSERT INTO customers (email, name, phone, created_at)
SELECT 'customer' || n || '@shop.example', 'Customer ' || n, '+49 30 ' || (100000 + n),
       timestamptz '2024-01-01' + n * interval '3 minutes'
FROM generate_series(1, 100000) AS n;

INSERT INTO products (sku, title, price_cents)
SELECT 'SKU-' || lpad(n::text, 6, '0'), 'Product ' || n, 100 + (n * 7919) % 20000
FROM generate_series(1, 5000) AS n;

INSERT INTO orders (customer_id, status, invoice_number, total_cents, placed_at)
SELECT 1 + (n * 7919::bigint) % 100000,
       (ARRAY ['new', 'paid', 'shipped', 'shipped', 'shipped', 'returned'])[1 + n % 6]::order_status,
       'R-' || n,
       500 + (n * 3571) % 50000,
       timestamptz '2024-06-01' + n * interval '2 minutes'
FROM generate_series(1, 300000) AS n;

-- Customers who left, and whose orders nobody thought of.
DELETE FROM customers WHERE id % 8000 = 17;

INSERT INTO order_lines (order_id, position, product_id, quantity, price_cents)
SELECT o, p, 1 + (o * 31 + p * 17) % 5000, 1 + (o + p) % 4, 100 + (o::bigint * p) % 20000
FROM generate_series(1, 300000) AS o, generate_series(1, 2) AS p;

ANALYZE;
