"""What an answer of the app means, and whose fault it is that there is none: asked of real sockets."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from gate.platforms.health import Asked, probe
from gate.policy.policy import Health
from gate.run.holding import Reading, Seen

OK = b"HTTP/1.1 %d Whatever\r\nContent-Length: 5\r\nConnection: close\r\n\r\nall: "


@contextmanager
def app(answers: Callable[[socket.socket], object]) -> Iterator[str]:
    """Lets `answers` have each connection once its request is there."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(65536)
                    answers(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/health"
        listening.shutdown(socket.SHUT_RDWR)


def asked(answers: Callable[[socket.socket], object], **health: object) -> Reading:
    with app(answers) as url:
        told = Health(url=url, **{"timeout_s": 1.0, **health})  # type: ignore[arg-type]  # names of its fields
        return probe(Asked(url=url, health=told))


def says(status: int) -> Callable[[socket.socket], object]:
    return lambda connection: connection.sendall(OK % status)


@pytest.mark.parametrize(
    ("status", "seen"),
    [
        (200, Seen.GOOD),
        (204, Seen.GOOD),
        (302, Seen.GOOD),
        (404, Seen.BAD),
        (500, Seen.BAD),
        (503, Seen.BAD),
        # A limit that we have run into, and a proxy of ours, are no word of the app's.
        (429, Seen.UNKNOWN),
        (407, Seen.UNKNOWN),
    ],
)
def test_a_status(status: int, seen: Seen) -> None:
    found = asked(says(status))
    assert (found.seen, str(status) in found.said) == (seen, True)


def test_only_the_statuses_that_are_told_are_good() -> None:
    assert asked(says(302), statuses=((200, 200), (204, 204))).seen is Seen.BAD
    assert asked(says(429), statuses=((429, 429),)).seen is Seen.GOOD


def test_a_text_has_to_stand_in_the_answer() -> None:
    assert asked(says(200), text="all:").seen is Seen.GOOD
    found = asked(says(200), text="well")
    assert (found.seen, found.said) == (Seen.BAD, "answered 200 without 'well'")


def test_what_is_closed_or_does_not_answer_is_bad() -> None:
    assert asked(lambda _: None).seen is Seen.BAD
    assert asked(lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\nConte")).seen is Seen.BAD
    given_up = threading.Event()
    found = asked(lambda _: given_up.wait(5.0), timeout_s=0.3)
    given_up.set()
    assert (found.seen, "no answer within" in found.said) == (Seen.BAD, True)


def test_an_answer_that_never_ends_is_bad() -> None:
    def drips(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        try:
            while True:
                connection.sendall(b".")
        except OSError:
            return

    def trickles(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        over = threading.Event()
        try:
            for _ in range(40):
                connection.sendall(b"1\r\n.\r\n")
                over.wait(0.05)
        except OSError:
            return

    assert asked(drips, text="well", timeout_s=0.5).seen is Seen.BAD
    assert asked(trickles, text="well", timeout_s=0.3).seen is Seen.BAD


def refused() -> str:
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        return f"http://127.0.0.1:{listening.getsockname()[1]}/health"


def test_a_refused_connection_is_the_app_s_and_an_unknown_name_is_not() -> None:
    gone = probe(Asked(url=refused(), health=Health(url="x")))
    assert (gone.seen, gone.said) == (Seen.BAD, "127.0.0.1 refused the connection")
    nobody = probe(Asked(url="http://nobody.invalid/health", health=Health(url="x")))
    assert (nobody.seen, "no connection to nobody.invalid" in nobody.said) == (Seen.UNKNOWN, True)


def test_a_proxy_of_ours_that_is_away_says_nothing_of_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", refused())
    monkeypatch.setenv("no_proxy", "")
    found = probe(Asked(url="http://shop.example/health", health=Health(url="x")))
    assert (found.seen, found.said) == (Seen.UNKNOWN, "the proxy before shop.example was not reached")


def test_what_is_no_tls_is_not_known() -> None:
    with app(says(200)) as url:
        found = probe(Asked(url=url.replace("http://", "https://"), health=Health(url="x")))
    assert found.seen is Seen.UNKNOWN


def test_no_word_repeats_the_address() -> None:
    told = probe(Asked(url=f"{refused()}?token=planted", health=Health(url="x")))
    assert "planted" not in told.said
