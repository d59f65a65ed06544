"""Customers of the shop: they read and write while migrations run, and it is written down how long they waited."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

CUSTOMERS = 12
EVERY_S = 0.05
"""Each of them asks that often, whether or not the answer before has come in time."""

ASKED = (
    "SELECT id, status, total_cents FROM orders WHERE id = %(order)s",
    "SELECT o.id, c.name FROM orders o JOIN customers c ON c.id = o.customer_id WHERE o.id = %(order)s",
    "SELECT l.position, p.title FROM order_lines l JOIN products p ON p.id = l.product_id WHERE l.order_id = %(order)s",
    "UPDATE customers SET name = 'Customer of day ' || %(some)s WHERE id = %(customer)s",
    "UPDATE orders SET total_cents = %(some)s WHERE id = %(order)s",
    "INSERT INTO order_lines VALUES (%(order)s, 2 + %(some)s, %(product)s, 1, 100) ON CONFLICT DO NOTHING",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One query: when it was due, how long it took from then, and the SQLSTATE if it failed."""

    due_s: float
    took_s: float
    failed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Felt:
    """What they felt, all together."""

    queries: int
    worst_s: float
    slow: int
    failed: Mapping[str, int]

    def sentence(self) -> str:
        """For people."""
        failed = ", ".join(f"{count} with {state}" for state, count in self.failed.items())
        slow = f"{self.slow:,} of {self.queries:,} queries took longer than 0.2 s"
        return f"worst stall {self.worst_s:.2f} s; {slow}; failed: {failed or 'none'}"


@dataclass(slots=True)
class Shop:
    """Where they are customers; `asked` grows while they are at work."""

    conninfo: str
    asked: list[Asked] = field(default_factory=list)
    is_over: threading.Event = field(default_factory=threading.Event)

    def felt(self, since_s: float) -> Felt:
        """By whoever had an answer since then."""
        return felt([one for one in self.asked if one.due_s + one.took_s >= since_s])

    def work(self, number: int) -> None:
        """One customer, until it is over."""
        drawn = random.Random(number)  # noqa: S311 - not for secrets
        begun_s = time.monotonic() + EVERY_S * number / CUSTOMERS
        connection = self._connect()
        for turn in itertools.count():
            due_s = begun_s + turn * EVERY_S
            if self.is_over.wait(max(0.0, due_s - time.monotonic())):
                break
            failed = _ask(connection, drawn)
            self.asked.append(Asked(due_s=due_s, took_s=time.monotonic() - due_s, failed=failed))
            if connection.closed:
                connection = self._connect()
        connection.close()

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(self.conninfo, autocommit=True, application_name="shop")


def felt(asked: Sequence[Asked]) -> Felt:
    """All of it as a few numbers."""
    return Felt(
        queries=len(asked),
        worst_s=max((one.took_s for one in asked), default=0.0),
        slow=sum(one.took_s > 0.2 for one in asked),
        failed=Counter(one.failed for one in asked if one.failed),
    )


@contextmanager
def customers_at_work(conninfo: str) -> Iterator[Shop]:
    """Some hundred queries a second, reads and writes, on every table of the shop."""
    shop = Shop(conninfo)
    threads = [threading.Thread(target=shop.work, args=(number,), daemon=True) for number in range(CUSTOMERS)]
    for thread in threads:
        thread.start()
    try:
        yield shop
    finally:
        shop.is_over.set()
        for thread in threads:
            thread.join()


def _ask(connection: psycopg.Connection, drawn: random.Random) -> str:
    """One query; the SQLSTATE if it failed."""
    values = {
        "order": drawn.randint(1, 300_000),
        "customer": drawn.randint(1, 100_000),
        "product": drawn.randint(1, 5_000),
        "some": drawn.randint(1, 1_000),
    }
    try:
        connection.execute(drawn.choice(ASKED), values)
    except psycopg.Error as error:
        return error.sqlstate or "08006"
    return ""
