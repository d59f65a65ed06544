"""Which databases a fleet has, as it is written; what is wrong is said without the passwords that stand there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gate.app.fleet_members import fleet_of, hiding, named, shard_here
from gate.app.fleet_spec import read_spec, shown
from gate.app.request import Request
from gate.app.settings import Settings
from gate.model.errors import Unreachable, UsageError
from gate.model.fleet import Shard

URL = "postgresql://u:s3cret-word@h/one"
KEYS = "host=h dbname=two password='s3cret word'"


def heard(*_: str) -> None:
    """Nobody listens."""


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    return tmp_path / "fleet.txt"


ROWS = [{"name": "one", "url": URL}, {"name": "two", "url": KEYS}, {"name": "three", "url": "env:THREE"}]
WRITTEN = {
    "lines": ("fleet.txt", f"# tenants\n\none {URL}\n  two   {KEYS}\nthree env:THREE\n"),
    "list": ("fleet.json", json.dumps(ROWS)),
    "table": ("fleet", json.dumps({"one": URL, "two": {"url": KEYS}, "three": "env:THREE"}, indent=1)),
    "an object a line": ("fleet", "\n".join(map(json.dumps, ROWS))),
    "toml": ("fleet.toml", f'[databases]\none = "{URL}"\nthree = "env:THREE"\n[databases.two]\nurl = "{KEYS}"\n'),
}


@pytest.mark.parametrize(("name", "text"), WRITTEN.values(), ids=WRITTEN)
def test_the_same_fleet_in_every_way_to_write_it(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    path.chmod(0o600)
    members = read_spec(f"file:{path}", pytest.fail)
    assert {one.name: one.given for one in members} == {"one": URL, "two": KEYS, "three": "env:THREE"}
    assert "s3cret" not in repr(members)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"{URL}\n", "line 1: there is no name that can be one"),
        (f"one {URL}\none {URL}x\n", "the fleet names one twice"),
        ("one\n", "line 1: one has no URL"),
        (f"{{'name': 'one', 'url': '{URL}'}}\n", "line 1: this is not JSON"),
        (f"[{{'name': '{URL}'}}]", "this is not JSON"),
        (json.dumps([URL]), "entry 1 is no table"),
        (json.dumps({URL: "x"}), "an entry: there is no name"),
        (f'{{"one": "{URL}", "one": "{URL}x"}}', "names one twice"),
        ("# nobody\n", "names no database"),
    ],
)
def test_what_is_wrong_is_said_without_repeating_it(text: str, problem: str, listed: Path) -> None:
    listed.write_text(text)
    with pytest.raises(UsageError) as error:
        read_spec(f"file:{listed}", heard)
    assert problem in error.value.problem
    assert "s3cret" not in f"{error.value.problem}{error.value.remedy}{error.value.__cause__}"


def test_passwords_that_others_may_read_are_spoken_of(listed: Path) -> None:
    said: list[str] = []
    listed.write_text(f"one {URL}\n")
    for mode, number in ((0o600, 0), (0o644, 1), (0o640, 2)):
        listed.chmod(mode)
        read_spec(f"file:{listed}", said.append)
        assert len(said) == number
    listed.write_text("one env:ONE\n")
    read_spec(f"file:{listed}", said.append)
    assert len(said) == 2
    assert said[0].endswith(f"chmod 600 {listed}")


def test_of_a_directory_only_its_own_files_count(tmp_path: Path) -> None:
    for name in ("beta", "acme", ".hidden"):
        (tmp_path / name).write_text(URL)
        (tmp_path / name).chmod(0o600)
    assert [(one.name, one.given) for one in read_spec(f"dir:{tmp_path}", pytest.fail)] == [
        ("acme", f"file:{tmp_path}/acme"),
        ("beta", f"file:{tmp_path}/beta"),
    ]
    assert read_spec(str(tmp_path), pytest.fail) == read_spec(f"dir:{tmp_path}", pytest.fail)
    (tmp_path / "gamma").touch()
    with pytest.raises(UsageError, match="gamma is empty"):
        read_spec(f"dir:{tmp_path}", heard)


def test_a_command_that_fails_or_hangs_is_no_fleet() -> None:
    said: list[str] = []
    assert [one.name for one in read_spec("command:echo one 'host=h'", said.append)] == ["one"]
    with pytest.raises(Unreachable, match="sh of --fleet ended with exit code 3"):
        read_spec("command:sh -c 'echo no token >&2; exit 3'", said.append)
    assert said == ["sh says: no token"]
    with pytest.raises(Unreachable, match="sleep of --fleet had not ended"):
        read_spec("command:sleep 60", heard, command_s=0.1)
    with pytest.raises(UsageError, match="cannot be started"):
        read_spec("command:gate-has-no-such-program", heard)
    assert shown("command:/bin/list --token s3cret") == "command:/bin/list ..."


@pytest.mark.parametrize("spec", ["tenants.txt", "file:", "http://x", ""])
def test_a_way_that_is_none(spec: str) -> None:
    with pytest.raises(UsageError, match="does not say where"):
        read_spec(spec, heard)


def fleet(path: Path, text: str, **more: str | int) -> list[str]:
    path.write_text(text)
    path.chmod(0o600)
    request = Request(fleet=f"file:{path}", **more)  # type: ignore[arg-type]  # names of its fields
    return [one.name for one in fleet_of(request, Settings(), {"URL": URL}).members]


@pytest.mark.parametrize("twice", ["env:URL", "host=H port=5432 dbname=one user=other", "postgres://H:5432/one"])
def test_two_names_for_one_database_are_refused(twice: str, listed: Path) -> None:
    with pytest.raises(UsageError, match="one and two are the same database: one on h:5432"):
        fleet(listed, f"one {URL}\ntwo {twice}\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "LocalHost", "[::1]", "localhost."])
def test_one_machine_has_several_names(host: str, listed: Path) -> None:
    with pytest.raises(UsageError, match="one and two are the same database: one on localhost:5432"):
        fleet(listed, f"one postgres://localhost/one\ntwo postgres://{host}:5432/one\n")


def test_all_that_is_wrong_is_told_at_once(listed: Path) -> None:
    with pytest.raises(UsageError) as error:
        fleet(listed, f"one {URL}\ntwo env:MISSING\nthree mysql://u:s3cret@h/d\nfour host='s3cret\n")
    assert [name in error.value.problem for name in ("two: ", "three: ", "four: ")] == [True] * 3
    assert "s3cret" not in error.value.problem


def test_only_is_for_names_that_there_are(listed: Path) -> None:
    text = f"one {URL}\ntwo {URL}x\nthree {URL}y\n"
    assert fleet(listed, text, only="three,one") == ["one", "three"]
    with pytest.raises(UsageError, match="has no database four"):
        fleet(listed, text, only="one,four")
    with pytest.raises(UsageError, match="names nothing"):
        named("--only", ",", ("one",))


@pytest.mark.parametrize("option", ["database_url", "snapshot", "expect"])
def test_what_is_for_one_database_is_refused(option: str, listed: Path) -> None:
    with pytest.raises(UsageError, match="is for one database"):
        fleet(listed, f"one {URL}\n", **{option: "x"})


def test_a_pod_knows_its_share_or_does_nothing() -> None:
    pod = {"JOB_COMPLETION_INDEX": "2", "GATE_FLEET_SHARDS": "3"}
    assert shard_here(Request(), pod) == Shard(index=2, of=3)
    assert shard_here(Request(shards=4), pod) == Shard(index=2, of=4)
    assert shard_here(Request(), {}) is None
    assert shard_here(Request(only="canary"), {"GATE_FLEET_SHARDS": "3"}) is None
    wrong: tuple[tuple[Request, dict[str, str]], ...] = (
        (Request(), {"JOB_COMPLETION_INDEX": "0"}),
        (Request(), {"GATE_FLEET_SHARDS": "3"}),
        (Request(shards=2), pod),
        (Request(), {**pod, "GATE_FLEET_SHARDS": "many"}),
    )
    for request, around in wrong:
        with pytest.raises(UsageError):
            shard_here(request, around)


def test_passwords_are_taken_out_as_they_are_and_as_a_url_has_them() -> None:
    hidden = hiding(["pa ss/word", "u"])
    assert hidden("u: 'pa ss/word' or pa%20ss%2Fword") == "u: '***' or ***"
