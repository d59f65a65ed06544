"""A server on this machine that takes what hooks post, and answers as it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Request:
    """As it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """`lasts_s` is how long it takes to come; `is_cut` hangs up without a word, `is_echo` repeats what it got."""

    status: int = 200
    body: bytes = b"ok"
    headers: dict[str, str] = field(default_factory=dict)
    lasts_s: float = 0.0
    is_cut: bool = False
    is_echo: bool = False


@dataclass
class Receiver:
    """`replies` one after the other, the last one for ever; `got` is all that came."""

    url: str
    replies: list[Reply]
    got: list[Request] = field(default_factory=list)
    is_closing: threading.Event = field(default_factory=threading.Event)

    def next(self) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@contextmanager
def receiving(*replies: Reply) -> Iterator[Receiver]:
    """One on a port of its own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    receiver = Receiver(f"http://127.0.0.1:{server.server_port}", list(replies) or [Reply()])
    server.RequestHandlerClass = _handler(receiver)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.is_closing.set()
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.got.append(Request(self.command, self.path, headers, body))
            reply = receiver.next()
            receiver.is_closing.wait(reply.lasts_s)
            self.close_connection = True
            if reply.is_cut:
                return
            answer = f"{self.path} {' '.join(headers.values())}".encode() if reply.is_echo else reply.body
            self.send_response(reply.status)
            for name, value in {**reply.headers, "Content-Length": str(len(answer))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer)

        do_PUT = do_POST  # noqa: N815 - as http.server asks for it

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Handler


def left(seconds: float) -> Callable[[], float]:
    """What remains of them."""
    until_s = time.monotonic() + seconds
    return lambda: until_s - time.monotonic()
