COPY account (id, email) FROM STDIN;
1	ann@example.com
\.
