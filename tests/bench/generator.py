"""The process that makes the load: libpq without blocking, one thread, no garbage collection.

Reads its orders from the first line of standard input, says `ready`, and goes on until standard input ends, as it also
does when whoever started it is killed. Then it prints every transaction as `[due, noticed, done, state]`.
"""

from __future__ import annotations

import gc
import json
import os
import random
import selectors
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import psycopg
from psycopg import pq

from tests.bench.load import STALE, UNFINISHED

Step = tuple[str, str, list[bytes | None]]
"""What to send (`run`, `execute` or `prepare`), the SQL or the statement's name, and its parameters."""

_LOST = "08006"
_REPREPARED = {"0A000", "26000"}


@dataclass(slots=True)
class Client:
    """One connection, and the transaction that it is in."""

    connection: pq.abc.PGconn
    statements: Mapping[str, str]
    steps: deque[Step] = field(default_factory=deque)
    due_s: float = 0.0
    noticed_s: float = 0.0
    state: str | None = None
    stale: set[str] = field(default_factory=set)

    def send(self) -> None:
        """The next step, without waiting."""
        how, what, parameters = self.steps[0]
        if how == "execute":
            self.connection.send_query_prepared(what.encode(), parameters)
        elif how == "prepare":
            self.connection.send_prepare(what.encode(), self.statements[what].encode())
        else:
            self.connection.send_query_params(what.encode(), None)
        while self.connection.flush():
            pass

    def advance(self) -> bool:
        """Takes what has come; whether nothing is left to send or to wait for."""
        self.connection.consume_input()
        while not self.connection.is_busy():
            result = self.connection.get_result()
            if result is not None:
                if result.status == pq.ExecStatus.FATAL_ERROR:
                    self._failed(result)
                continue
            if self.connection.status == pq.ConnStatus.BAD:
                raise psycopg.OperationalError("the server ended the session")
            self.steps.popleft()
            if not self.steps:
                return True
            self.send()
        return False

    def _failed(self, result: pq.abc.PGresult) -> None:
        """What is left of the transaction is not sent; a statement that the server will not run again is made anew."""
        sqlstate = (result.error_field(pq.DiagnosticField.SQLSTATE) or b"").decode() or _LOST
        how, what, _ = self.steps[0]
        is_first = sqlstate == "0A000" and what not in self.stale
        if is_first:
            self.stale.add(what)
        if self.state is None:
            self.state = STALE if is_first else sqlstate
        # The step that failed stays at the head: it is taken off when its answer has ended.
        rest: list[Step] = []
        if self.connection.transaction_status != pq.TransactionStatus.IDLE:
            rest.append(("run", "ROLLBACK", []))
        if how == "execute" and sqlstate in _REPREPARED:
            if sqlstate == "0A000":
                rest.append(("run", f'DEALLOCATE "{what}"', []))
            rest.append(("prepare", what, []))
        self.steps = deque([self.steps[0], *rest])


@dataclass(slots=True)
class Generator:
    """Draws transactions when they are due, hands them to free clients, and writes down when they were done."""

    conninfo: bytes
    load: Mapping[str, Any]
    selector: selectors.BaseSelector = field(default_factory=selectors.SelectSelector)
    free: deque[Client] = field(default_factory=deque)
    busy: set[int] = field(default_factory=set)
    waiting: deque[tuple[float, float]] = field(default_factory=deque)
    done: list[tuple[float, float, float, str]] = field(default_factory=list)
    draw: Callable[[], list[Step]] = field(init=False)

    def __post_init__(self) -> None:
        self.draw = self._drawer()
        for _ in range(self.load["clients"]):
            self.connect()

    def connect(self) -> None:
        """One more client, with every statement prepared."""
        connection = pq.PGconn.connect(self.conninfo)
        if connection.status != pq.ConnStatus.OK:
            raise psycopg.OperationalError(connection.get_error_message())
        statements = {name: one["sql"] for name, one in self.load["statements"].items()}
        for name, text in statements.items():
            result = connection.prepare(name.encode(), text.encode())
            if result.status != pq.ExecStatus.COMMAND_OK:
                raise psycopg.ProgrammingError(result.get_error_message())
        connection.nonblocking = 1
        client = Client(connection, statements)
        self.selector.register(connection.socket, selectors.EVENT_READ, client)
        self.free.append(client)

    def run(self, drain_s: float) -> None:
        """Until standard input ends, and until what is then under way is done or `drain_s` have passed."""
        self.selector.register(sys.stdin, selectors.EVENT_READ, None)
        every_s = 1.0 / self.load["rate"]
        due_s = time.monotonic() + every_s
        until_s: float | None = None
        while until_s is None or ((self.busy or self.waiting) and time.monotonic() < until_s):
            now_s = time.monotonic()
            while until_s is None and due_s <= now_s:
                self.waiting.append((due_s, now_s))
                due_s += every_s
            self.hand_out()
            for key, _ in self.selector.select(0.1 if until_s is not None else max(0.0, due_s - time.monotonic())):
                if key.data is not None:
                    self.attend(key.data)
                elif until_s is None:
                    until_s = time.monotonic() + drain_s
                    self.selector.unregister(sys.stdin)
        self.give_up()

    def hand_out(self) -> None:
        """To as many as are free; the rest waits, and its time counts."""
        while self.waiting and self.free:
            client = self.free.popleft()
            client.due_s, client.noticed_s = self.waiting.popleft()
            client.state = None
            client.steps = deque(self.draw())
            self.busy.add(client.connection.socket)
            client.send()

    def attend(self, client: Client) -> None:
        """Somebody has an answer, or has lost its connection."""
        number = client.connection.socket
        try:
            is_over = client.advance()
        except psycopg.OperationalError:
            self.selector.unregister(number)
            self.busy.discard(number)
            client.connection.finish()
            self.note(client, client.state or _LOST)
            self.connect()
            return
        if is_over and number in self.busy:
            self.busy.discard(number)
            self.note(client, client.state or "")
            self.free.append(client)

    def note(self, client: Client, state: str) -> None:
        """A transaction is over."""
        self.done.append((client.due_s, client.noticed_s, time.monotonic(), state))

    def give_up(self) -> None:
        """What was never done is written down as well."""
        clients = [key.data for key in self.selector.get_map().values() if key.fd in self.busy]
        for client in clients:
            self.note(client, UNFINISHED)
        now_s = time.monotonic()
        self.done += [(due_s, noticed_s, now_s, UNFINISHED) for due_s, noticed_s in self.waiting]

    def _drawer(self) -> Callable[[], list[Step]]:
        drawn = random.Random(self.load["seed"])
        transactions = self.load["transactions"]
        weights = list(accumulate(one["weight"] for one in transactions))
        statements = self.load["statements"]

        def draw() -> list[Step]:
            (chosen,) = drawn.choices(transactions, cum_weights=weights)
            steps: list[Step] = [
                ("execute", name, [b"%d" % drawn.randint(low, high) for low, high in statements[name]["parameters"]])
                for name in chosen["statements"]
            ]
            return steps if len(steps) == 1 else [("run", "BEGIN", []), *steps, ("run", "COMMIT", [])]

        return draw


def main() -> None:
    """One load."""
    orders = json.loads(sys.stdin.readline())
    generator = Generator(orders["conninfo"].encode(), orders["load"])
    # It stands for other machines: what is measured here must not keep it from its schedule.
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    gc.collect()
    gc.freeze()
    gc.disable()
    print("ready", flush=True)
    generator.run(orders["drain_s"])
    json.dump(generator.done, sys.stdout)


if __name__ == "__main__":
    main()
