"""Clients that read and write the tables of a shop while something is released."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg

from tests.servers import Database

_BETWEEN_S = 0.003
_ROWS = 2000
# A statement that was prepared may fail once after a column was added, whoever adds it: nothing is prepared here.
_QUERIES: tuple[Callable[[int], tuple[str, tuple[int, ...]]], ...] = (
    lambda n: (
        "SELECT count(p.note) FROM account a JOIN purchase p ON p.account_id = a.id WHERE p.id = %s",
        (1 + n % _ROWS,),
    ),
    lambda n: ("UPDATE account SET visits = visits + 1 WHERE id = %s", (1 + n % _ROWS,)),
    lambda n: (
        "INSERT INTO purchase (id, account_id, note) VALUES (%s, %s, 'bought')",
        (1_000_000 + n, 1 + n % _ROWS),
    ),
    lambda n: ("UPDATE purchase SET paid = true WHERE id = %s", (1 + n % _ROWS,)),
)


@dataclass
class Clients:
    """What they have done, each for itself, and what they were told instead."""

    stop: threading.Event = field(default_factory=threading.Event)
    done: list[int] = field(default_factory=lambda: [0] * len(_QUERIES))
    errors: list[psycopg.Error] = field(default_factory=list)

    def work(self, database: Database, place: int) -> None:
        """One query after the other, until the clients are stopped or one fails."""
        try:
            with database.connect(application_name="puma", prepare_threshold=None) as connection:
                for number in itertools.count():
                    sql, values = _QUERIES[place](number)
                    connection.execute(sql.encode(), values)
                    self.done[place] += 1
                    if self.stop.wait(_BETWEEN_S):
                        return
        except psycopg.Error as error:
            self.errors.append(error)


@contextmanager
def busy(database: Database) -> Iterator[Clients]:
    """Readers and writers of `account` and `purchase` until the end; none of them may have been told an error."""
    clients = Clients()
    threads = [threading.Thread(target=clients.work, args=(database, place)) for place in range(len(_QUERIES))]
    for thread in threads:
        thread.start()
    try:
        yield clients
    finally:
        clients.stop.set()
        for thread in threads:
            thread.join()
    assert clients.errors == []
    assert all(clients.done)
