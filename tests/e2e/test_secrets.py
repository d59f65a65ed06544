"""Secrets are planted wherever gate gets them, and then looked for in all that it prints, writes and hands on."""

from __future__ import annotations

import json
import os
import socket
import struct
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import pytest
from psycopg.conninfo import conninfo_to_dict

from gate.cli.main import _tell_bug
from gate.cli.main import run as run_here
from gate.model.errors import Exit
from tests.e2e.commands import gate
from tests.platforms.receiver import Receiver, Reply, receiving
from tests.servers import Database

pytestmark = pytest.mark.majors(newest=True)

# Each has a word of its own at both ends, so that half of one is found too.
ODD = "Zurl1head p@ss/w:rd%'\"\\?&= Zurl1tail"
PLAIN = "Zkey2word"
REPLICA = "Zrep3word"
PASSFILE = "Zpas4word"
SIGNING = "Zhmac5word"
HOOK_TOKEN = "Zhook6token9"
SLACK_TOKEN = "Zslack7token9"
HEROKU = "HRKU-Zher8word-0000-4000"
KUBERNETES = "Zkube9word.eyJhbGciOi.sig"
PUSH = "Zpush10word"
COLLECTOR = "Zotel11word"
ROLE, ODD_ROLE, MAPPING, SUBSCRIPTION = "Zrole12word", "Zrole13''word", "Zmap14word", "Zsub15word"
BODY = "Zbody16word"
WORDS = (
    *("Zurl1head", "Zurl1tail", PLAIN, REPLICA, PASSFILE, SIGNING, HOOK_TOKEN, SLACK_TOKEN, "Zher8word"),
    *("Zkube9word", "Z2F0ZTpacHVza", PUSH, COLLECTOR, ROLE, "Zrole13", MAPPING, SUBSCRIPTION, BODY),
)

CLEAN = "CREATE TABLE a (id bigint PRIMARY KEY);"
ROLES = f"""
CREATE ROLE {{role}} PASSWORD '{ROLE}';
ALTER ROLE {{role}} WITH ENCRYPTED PASSWORD '{ODD_ROLE}';
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE SERVER away FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'db.example.com');
CREATE USER MAPPING FOR CURRENT_USER SERVER away OPTIONS (user 'app', password '{MAPPING}');
DO $$ BEGIN EXECUTE 'ALTER ROLE {{role}} PASSWORD ''{BODY}'''; END $$;
"""
SUBSCRIBES = (
    f"CREATE SUBSCRIPTION s CONNECTION 'host=db.example.com user=app password={SUBSCRIPTION}' PUBLICATION p "
    "WITH (connect = false);"
)
MISTAKES = (
    f"CREATE ROLE {{role}} PASSWORD '{ROLE}' LOGINN;",
    f"CREATE ROLE {{role}} PASSWORD {ROLE};",
    f"CREATE ROLE {{role}} PASSWORD '{ROLE}",
    f"SELECT * FROM dblink('host=x password={SUBSCRIPTION}', 'SELECT 1') AS t (a int) WHERE 1 / 0 = 1;",
    f"DO $$ BEGIN RAISE EXCEPTION 'no: postgres://app:{BODY}@db/x'; END $$;",
)
PRINTS = "import os, sys; print(sorted(os.environ.items())); print(sys.argv); raise SystemExit(3)"
KEEPS = (
    "import json, os, pathlib, sys; "
    "pathlib.Path(sys.argv[1]).write_text(json.dumps([dict(os.environ), sys.argv, pathlib.Path("
    "f'/proc/{os.getppid()}/cmdline').read_text(), sys.stdin.read()]))"
)


@dataclass
class Project:
    """A directory with migrations, and all that was said so far."""

    at: Path
    database: Database
    server: Receiver
    here: pytest.MonkeyPatch
    output: pytest.CaptureFixture[str]
    said: list[str] = field(default_factory=list)

    def write(self, text: str, name: str = "1_a.sql") -> None:
        text = text.replace("{role}", f"gate_secrets_{self.database.name}")
        (self.at / "db/migrations" / name).write_text(f"-- migrate:up\n{text}\n", encoding="utf-8")

    def url(self, password: str = ODD, **more: str) -> str:
        """As platforms give it, with a password that nobody asks for."""
        parts = conninfo_to_dict(self.database.conninfo)
        place = f"host={quote(str(parts['host']), safe='')}&port={parts['port']}"
        return f"postgres://{parts['user']}:{quote(password, safe='')}@/{self.database.name}?{place}" + "".join(
            f"&{key}={value}" for key, value in more.items()
        )

    def environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.url(),
            "GATE_REPLICA_URL": self.url(REPLICA),
            "HOOK_URL": f"{self.server.url}/in/{HOOK_TOKEN}?sig={HOOK_TOKEN}",
            "HOOK_SECRET": SIGNING,
            "SLACK_URL": f"{self.server.url}/services/T0/B0/{SLACK_TOKEN}",
            "HEROKU_API_KEY": HEROKU,
            "PUSH_URL": self.server.url.replace("://", f"://gate:{PUSH}@"),
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{self.server.url}/v1/traces",
            "OTEL_EXPORTER_OTLP_HEADERS": f"authorization=Bearer {COLLECTOR}",
            "GATE_TRACEBACK": "1",
        }

    def run(self, *arguments: str, **more: str) -> int:
        """In this process, which is quicker; `spawn` in one of its own."""
        with self.here.context() as here:
            here.chdir(self.at)
            for name, value in {**self.environment(), **more}.items():
                here.setenv(name, value)
            code = run_here(arguments)
        self.said += self.output.readouterr()
        return code

    def spawn(self, *arguments: str) -> int:
        done = gate(*arguments, at=self.at, **self.environment())
        self.said += [done.stdout, done.stderr]
        return done.returncode

    def check(self) -> None:
        """Nothing is in what was said, in a file that was written, in the journal, or in a message."""
        found = [("printed", text) for text in self.said]
        found += [
            (str(path), path.read_text(encoding="utf-8", errors="replace"))
            for path in self.at.rglob("*")
            if path.is_file() and "migrations" not in path.parts and not path.name.startswith(("planted", "handed"))
        ]
        found += [(f"journal {name}", text) for name, text in self.journal()]
        found += [("sent", request.body.decode(errors="replace")) for request in self.server.got]
        leaks = {
            (where, word, text[max(0, text.find(word) - 60) : text.find(word) + 20])
            for where, text in found
            for word in WORDS
            if word in text
        }
        assert leaks == set()
        assert any(text.strip() for _, text in found)

    def journal(self) -> list[tuple[str, str]]:
        """All of it, row by row."""
        tables = self.database.fetch("SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'gate'")  # noqa: E501  # fmt: skip
        return [(name, row) for (name,) in tables for (row,) in self.database.fetch(f"SELECT t::text FROM {name} AS t")]


@pytest.fixture
def project(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Iterator[Project]:
    (tmp_path / "db/migrations").mkdir(parents=True)
    (tmp_path / "planted-token").write_text(KUBERNETES)
    command = json.dumps([sys.executable, "-c", PRINTS])
    events = "".join(
        f'[[release.{event}]]\nhook = "webhook"\nurl = "env:HOOK_URL"\nsecret = "env:HOOK_SECRET"\n'
        f'headers = {{ Authorization = "file:planted-token" }}\n'
        f'[[release.{event}]]\nhook = "slack"\nurl = "env:SLACK_URL"\n'
        f"[[release.{event}]]\ncommand = {command}\n"
        for event in ("on_success", "on_refused", "on_failure")
    )
    metrics = '[metrics]\ntextfile = "gate.prom"\npushgateway = "env:PUSH_URL"\n'
    (tmp_path / "gate.toml").write_text(f"sample = 0\n{events}{metrics}")
    database.execute("CREATE TABLE schema_migrations (version varchar PRIMARY KEY)")
    with receiving(Reply(403, is_echo=True)) as server:
        yield Project(tmp_path, database, server, monkeypatch, capfd)
    if database.fetch("SELECT 1 FROM pg_subscription WHERE subname = 's'"):
        for statement in ("ALTER SUBSCRIPTION s SET (slot_name = NONE)", "DROP SUBSCRIPTION s"):
            database.execute(statement)
    database.execute(f"DROP ROLE IF EXISTS gate_secrets_{database.name}")


def test_a_release_that_works(project: Project) -> None:
    project.write(ROLES)
    assert project.spawn("release") == Exit.DONE
    project.write(CLEAN, "2_b.sql")
    assert project.run("release", "--format", "json") == Exit.DONE
    project.run("status", "--format", "json")
    project.run("kill", "--dry-run")
    project.check()


@pytest.mark.parametrize("text", [*MISTAKES, SUBSCRIBES])
def test_one_that_fails_or_is_refused(project: Project, text: str) -> None:
    project.write(CLEAN)
    project.write(text, "2_b.sql")
    project.run("release", "--format", "markdown")
    project.run("plan")
    project.check()


def test_a_statement_with_a_secret_that_fails(project: Project) -> None:
    """The server repeats it, and so does the report."""
    project.write(f"{CLEAN}\nCREATE TABLE b (id int);\nALTER ROLE nobody_is_called_so PASSWORD '{ROLE}';")
    assert project.run("release", "--format", "json") in (Exit.MIGRATION_FAILED, Exit.REFUSED)
    project.check()


def test_every_format_of_a_plan(project: Project) -> None:
    project.write(ROLES)
    project.write(SUBSCRIBES, "2_b.sql")
    for format_name in ("text", "sarif", "github"):
        project.run("plan", "--format", format_name)
    project.run("plan", "-o", "plan.json", "--format", "json", "--show-rows")
    project.run("snapshot", "-o", "shop.json")
    project.run("plan", "--snapshot", "shop.json")
    project.run("release", "--expect", "plan.json")
    project.run("explain", "works-under-blocking-lock")
    project.check()


def test_a_journal_in_a_file(project: Project) -> None:
    project.write(ROLES)
    project.run("release", "--journal", "file:journal.jsonl")
    assert (project.at / "journal.jsonl").exists()
    project.write(MISTAKES[4], "2_b.sql")
    project.run("release", "--journal", "file:journal.jsonl")
    project.check()


def test_what_a_hook_is_handed(project: Project) -> None:
    """Its environment is gate's own, its arguments are those of the file, and nobody's command line has a secret."""
    command = json.dumps([sys.executable, "-c", KEEPS, "handed"])
    (project.at / "gate.toml").write_text(f"sample = 0\n[[release.on_success]]\ncommand = {command}\n")
    project.write(ROLES)
    project.spawn("release")
    environment, arguments, cmdline, document = json.loads((project.at / "handed").read_text())
    assert arguments == ["-c", "handed"]
    own = project.environment()
    assert {name: environment[name] for name in own} == own
    assert not {name for name in environment if name not in own} - {*os.environ, "PYTHONPATH", "COLUMNS", "LC_CTYPE"}
    assert not [word for word in WORDS if word in cmdline or word in document]
    project.check()


# --- the server cannot be reached, or does not let us in --------------------------------------------------------------


@contextmanager
def doorkeeper(message: str) -> Iterator[int]:
    """A server that asks for a password in clear text, and refuses it in its own words."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        is_over = threading.Event()

        def serve() -> None:
            while not is_over.is_set():
                try:
                    talking, _ = listening.accept()
                except TimeoutError:
                    continue
                with talking:
                    talking.settimeout(5)
                    _refuse(talking, message)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listening.getsockname()[1]
        is_over.set()
        thread.join()


def _refuse(talking: socket.socket, message: str) -> None:
    while True:
        (length,) = struct.unpack("!I", talking.recv(4))
        told = talking.recv(length - 4)
        if struct.unpack("!I", told[:4])[0] not in (80877103, 80877104):
            break
        talking.sendall(b"N")
    talking.sendall(b"R" + struct.pack("!II", 8, 3))
    talking.recv(1024)
    fields = b"".join(
        kind + text.encode() + b"\0"
        for kind, text in ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", "28P01"), (b"M", message))
    )
    talking.sendall(b"E" + struct.pack("!I", len(fields) + 5) + fields + b"\0")


COMMANDS = (["plan"], ["release", "--budget", "2s"], ["status"], ["kill", "--dry-run"], ["snapshot", "-o", "s.json"])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_a_wrong_password(project: Project, command: list[str]) -> None:
    project.write(CLEAN)
    with doorkeeper(f"no entry with postgres://app:{quote(ODD, safe='')}@h/d, or password={PLAIN}") as port:
        url = f"postgres://app:{quote(ODD, safe='')}@127.0.0.1:{port}/shop?gssencmode=disable"
        assert project.run(*command, DATABASE_URL=url) == Exit.UNREACHABLE
    project.check()


@pytest.mark.parametrize(
    "url",
    [
        f"postgres://app:{quote(ODD, safe='')}@127.0.0.1:1/shop",
        f"postgres://app:{quote(ODD, safe='').replace('%40', '@')}@127.0.0.1:1/shop",
        f"postgres://app:{PLAIN}@127.0.0.1:1/shop?password={REPLICA}",
        f"postgres://app:{PLAIN}/{REPLICA}@127.0.0.1:1/shop",
        f"postgres://app:{PLAIN}?{REPLICA}@127.0.0.1:1/shop",
        f"postgres://app:{PLAIN}#{REPLICA}@127.0.0.1:1/shop",
        f"postgres://app:%zz{PLAIN}@127.0.0.1:1/shop",
        f"postgres://app:{PLAIN}@127.0.0.1:port/shop",
        f"postgres://app:{PLAIN}@[127.0.0.1:1/shop",
        f"mysql://app:{PLAIN}@127.0.0.1:1/shop",
        f"host=127.0.0.1 port=1 user=app password='{PLAIN} \\'{REPLICA}' dbname=shop",
        f"host=127.0.0.1 port=1 user=app password = {PLAIN}'{REPLICA} dbname=shop",
        f"host=127.0.0.1 port=1 password='{PLAIN} {REPLICA}",
        f"host=127.0.0.1 port=1 password={PLAIN} {REPLICA} dbname=shop",
        f"host=127.0.0.1 port=1 password={PLAIN} nonsense=1",
        f"host=127.0.0.1 port=1 sslpassword='{PLAIN}' sslmode=nonsense",
        "postgres://app@127.0.0.1:1/shop?passfile=planted-passfile",
    ],
)  # fmt: skip
def test_an_address_that_leads_nowhere(
    tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Also one that cannot be read: whoever has to put a slash into a password gets it wrong first."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATABASE_URL", url)
    (tmp_path / "1_a.sql").write_text(f"-- migrate:up\n{CLEAN}\n")
    (tmp_path / "planted-passfile").write_text(f"*:*:*:*:{PASSFILE}\n")
    (tmp_path / "planted-passfile").chmod(0o600)
    (tmp_path / "planted-url").write_text(url)
    for more in ([], ["--database-url", "file:planted-url"], ["--database-url", url]):
        assert run_here(["plan", "--source", "dbmate", *more]) in (Exit.UNREACHABLE, Exit.USAGE)
    said = "".join(capfd.readouterr())
    assert said
    assert [word for word in WORDS if word in said] == []


@pytest.mark.parametrize(
    "replica", [f"postgres://app:{REPLICA}@127.0.0.1:1/shop", f"host=127.0.0.1 password={REPLICA} x"]
)
def test_a_standby_that_cannot_be_reached(project: Project, replica: str) -> None:
    project.write(CLEAN)
    assert project.run("release", GATE_REPLICA_URL=replica) in (Exit.UNREACHABLE, Exit.USAGE)
    project.check()


def test_a_bug_is_told_without_them(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """With its traceback, whose lines quote the message."""
    monkeypatch.setenv("GATE_TRACEBACK", "1")
    monkeypatch.setenv("SLACK_URL", f"https://hooks.slack.com/services/T0/B0/{SLACK_TOKEN}")
    monkeypatch.setenv("HEROKU_API_KEY", HEROKU)
    with pytest.raises(LookupError) as raised:
        raise LookupError(f"no route /services/T0/B0/{SLACK_TOKEN} for Bearer {HEROKU}, postgres://a:{PLAIN}@h/d")
    kept = _tell_bug(raised.value)
    said = "".join(capfd.readouterr())
    assert "Traceback" in said
    assert "LookupError: no route" in kept
    assert [word for word in WORDS if word in said or (word in kept and word != PLAIN)] == []


def test_secrets_that_stand_in_the_file_are_not_repeated(project: Project) -> None:
    project.write(CLEAN)
    for table in (
        f'[release]\nreplica_url = "postgres://app:{REPLICA}@h/d"',
        f'[[release.on_failure]]\nhook = "webhook"\nurl = "https://app:{PLAIN}@h/d"',
        f'[[release.on_failure]]\nhook = "slack"\nurl = "https://hooks.slack.com/services/{SLACK_TOKEN}"',
        f'[[release.on_failure]]\nhook = "webhook"\nurl = "https://h/d"\nsecret = "{SIGNING}"',
        f'[[release.on_failure]]\nhook = "webhook"\nurl = "https://h/d"\nheaders = {{ Authorization = "{PLAIN}" }}',
        f'[metrics]\npushgateway = "https://app:{PUSH}@h/d"',
    ):
        (project.at / "gate.toml").write_text(table)
        assert project.run("release") in (Exit.USAGE, Exit.DONE)
        (project.at / "gate.toml").unlink()
    project.check()
