"""`gate init` as it is typed: what it prints, what it leaves, and how it ends."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
import yaml

from gate.model.errors import Exit
from tests.e2e.commands import ROOT, gate

KUBERNETES = ("kubernetes", "--name", "shop", "--image", "registry.example.com/shop:1")


_SHOWN = re.compile(r"^```\n\$ gate (init .*)\n(?s:(.*?))^```$", re.MULTILINE)


def files(at: Path) -> set[str]:
    return {str(path.relative_to(at)) for path in at.rglob("*") if path.is_file()}


def test_what_is_written_is_told_with_what_is_left_to_do(tmp_path: Path) -> None:
    done = gate("init", *KUBERNETES, at=tmp_path)
    assert done.returncode == Exit.DONE, done.stderr
    assert files(tmp_path) == {"kubernetes/gate-rbac.yaml", "kubernetes/gate-job.yaml", "kubernetes/wait/patch.yaml"}
    assert "written    kubernetes/gate-job.yaml\n" in done.stdout
    assert "kubectl create -f kubernetes/gate-job.yaml" in done.stdout
    again = gate("init", *KUBERNETES, at=tmp_path)
    assert again.returncode == Exit.DONE
    assert "unchanged  kubernetes/gate-job.yaml\n" in again.stdout


def test_the_next_steps_can_be_pasted_wherever_the_files_are(tmp_path: Path) -> None:
    done = gate("init", *KUBERNETES, "-o", "my files", at=tmp_path)
    assert "kubectl create -f 'my files'/gate-job.yaml" in done.stdout
    assert (tmp_path / "my files" / "gate-job.yaml").is_file()


def test_a_dry_run_writes_nothing_and_shows_the_difference(tmp_path: Path) -> None:
    done = gate("init", *KUBERNETES, "--dry-run", at=tmp_path)
    assert (done.returncode, files(tmp_path)) == (Exit.DONE, set())
    assert "--- /dev/null\n+++ b/kubernetes/gate-job.yaml\n" in done.stdout
    gate("init", *KUBERNETES, at=tmp_path)
    assert gate("init", *KUBERNETES, "--dry-run", at=tmp_path).stdout == ""
    changed = gate("init", *KUBERNETES, "--budget", "5min", "--dry-run", at=tmp_path)
    assert "-  activeDeadlineSeconds: 1020\n" in changed.stdout
    assert "+  activeDeadlineSeconds: 420\n" in changed.stdout


def test_a_pipe_gets_what_is_applied_and_no_more(tmp_path: Path) -> None:
    done = gate("init", *KUBERNETES, "--stdout", at=tmp_path)
    assert (done.returncode, files(tmp_path)) == (Exit.DONE, set())
    kinds = [each["kind"] for each in yaml.safe_load_all(done.stdout)]
    assert kinds == ["ServiceAccount", "Role", "RoleBinding", "Job"]


def test_somebody_s_file_is_replaced_by_force_alone(tmp_path: Path) -> None:
    theirs = tmp_path / "kubernetes" / "gate-job.yaml"
    theirs.parent.mkdir()
    theirs.write_text("kind: Mine\n")
    done = gate("init", *KUBERNETES, at=tmp_path)
    assert (done.returncode, files(tmp_path)) == (Exit.USAGE, {"kubernetes/gate-job.yaml"})
    assert "kubernetes/gate-job.yaml: it is there already, and differs" in done.stderr
    assert theirs.read_text() == "kind: Mine\n"
    forced = gate("init", *KUBERNETES, "--force", at=tmp_path)
    assert forced.returncode == Exit.DONE
    assert "replaced   kubernetes/gate-job.yaml" in forced.stdout
    assert yaml.safe_load(theirs.read_text())["kind"] == "Job"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("kubernets",), "there is no preset 'kubernets': did you mean kubernetes?"),
        (("helm", "instal=before"), "did you mean install=?"),
        (("helm", "deployment=web"), "gate init helm takes no 'deployment=web'"),
        (("kubernetes", "--budget", "soon"), "--budget soon"),
        (("kubernetes", "-o", "/proc/none"), "cannot use /proc/none/gate-rbac.yaml"),
        (("kubernetes", "-o", "taken"), "cannot use taken/gate-rbac.yaml: Not a directory"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_written(tmp_path: Path, words: tuple[str, ...], says: str) -> None:
    (tmp_path / "taken").write_text("")
    done = gate("init", *words, at=tmp_path)
    assert done.returncode == Exit.USAGE
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert files(tmp_path) == {"taken"}


def test_the_page_shows_what_is_said(tmp_path: Path) -> None:
    shown = _SHOWN.findall((ROOT / "docs" / "kubernetes.md").read_text(encoding="utf-8"))
    assert len(shown) == 4
    for line, said in shown:
        assert gate(*shlex.split(line), at=tmp_path).stdout == said, line


def test_the_list_names_every_preset_and_its_settings(tmp_path: Path) -> None:
    done = gate("init", at=tmp_path)
    assert done.returncode == Exit.DONE
    for preset in ("kubernetes", "helm", "argocd", "kustomize", "heroku"):
        assert f"\n{preset} " in f"\n{done.stdout}"
    assert "canary=...  with --fleet: the database that is released first" in done.stdout


@pytest.mark.parametrize(("columns", "width"), [("80", 80), ("0", 40)])
def test_the_list_is_as_wide_as_it_may_be(columns: str, width: int, tmp_path: Path) -> None:
    done = gate("init", at=tmp_path, COLUMNS=columns)
    assert done.returncode == Exit.DONE, done.stderr
    assert max(map(len, done.stdout.splitlines())) <= width
