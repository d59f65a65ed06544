"""What `gate watch` will not begin, and where it says that it runs."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gate.app.watch import where
from gate.cli.main import run
from gate.model.errors import Exit
from gate.platforms.known import platform_of


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings of the developer's, and the signals as they were."""
    monkeypatch.chdir(tmp_path)
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"GITHUB_ACTIONS": "true", "CI": "true"}, "a CI step (GitHub Actions)"),
        ({"GITLAB_CI": "true", "CI": "true"}, "a CI step (GitLab CI)"),
        ({"CI": "true"}, "a CI step"),
        ({"DYNO": "run.9157"}, "a one-off dyno (run.9157)"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "a pod (Kubernetes)"),
        ({}, "this machine"),
    ],
)
def test_where(environment: dict[str, str], said: str) -> None:
    assert where(platform_of(environment), environment) == said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "there is nothing to watch"),
        (("--health", "shop.example"), "begins with neither http:// nor https://"),
        (("--health", "env:NOT_SET"), "the variable NOT_SET is not set"),
        (("--status", "200"), "not where to ask it"),
        (("--command", "bin/no-such-program"), "bin/no-such-program, is not there"),
        (("--command", "'"), "No closing quotation"),
        (("--command", " "), "--command is empty"),
        (("--health", "http://a", "--every", "0"), "below 100 ms"),
        (("--health", "http://a", "--every", "soon"), "write a time"),
        (("--health", "http://a", "--for", "3s"), "--for 3 s is too short for 3 bad samples in a row, one every 5 s"),
        (("--blocked", "20s", "--for", "15s"), "--blocked 20 s is longer than the watch itself, 15 s"),
        (("--health", "http://a", "--status", "9"), "is no HTTP status"),
        (("--health", "http://a", "--format", "xml"), "gate watch has no format xml"),
    ],
)
def test_what_cannot_be_meant(arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["watch", *arguments]) == Exit.USAGE
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("hook", "said"),
    [("heroku.rollback", "--release v42"), ("kubernetes.rollout_undo", "--release 7 or --release shop:1.8")],
)
def test_a_rollback_says_how_its_release_is_named(hook: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("gate.toml").write_text(f'[[watch.on_failure]]\nhook = "{hook}"\n')
    assert run(["watch", "--health", "http://127.0.0.1:1/"]) == Exit.USAGE
    told = capsys.readouterr().err
    assert f"{hook} rolls back a release that is named, and none is" in told
    assert said in told


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"DYNO": "release.1234"}, "in the release phase of Heroku"),
        ({"FLY_APP_NAME": "shop", "RELEASE_COMMAND": "1"}, "in the release command of Fly.io"),
    ],
)
def test_it_refuses_where_its_exit_code_is_the_rollback(
    variables: dict[str, str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert run(["watch", "--health", "http://127.0.0.1:1/"]) == Exit.USAGE
    told = capsys.readouterr().err
    assert said in told
    assert "a non-zero exit of this very command is the rollback" in told
