"""What `gate init` writes for Kubernetes is what its API server takes, and what the exit codes and the budget say."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from gate.app.init import InitRequest, files_of, planned, write
from gate.model.errors import Exit, UsageError
from gate.platforms.kubernetes import HOOKS
from gate.platforms.kubernetes.calling import KubernetesHook
from gate.platforms.making import Around
from gate.policy.policy import HookSetting
from gate.policy.quantities import seconds
from tests.e2e.commands import command, environment
from tests.platforms.kubernetes.conftest import filled
from tests.platforms.kubernetes.fake import PLURALS, serving
from tests.platforms.kubernetes.hooks import Hooks
from tests.platforms.kubernetes.objects import deployment
from tests.servers import Database

PRESETS = ("kubernetes", "helm", "argocd", "kustomize")
NEWEST = ".".join(kubernetes_validate.latest_version().split(".")[:2])
KUBECTL = shutil.which("kubectl")


def rendered(text: str) -> str:
    """As Helm renders the few expressions that there are; another one would stay, and be seen."""
    for name, value in (
        ("{{ .Release.Name }}", "shop"),
        ("{{ .Release.Namespace }}", "prod"),
        ("{{ .Values.image.repository }}", "registry.example.com/shop"),
        ("{{ .Values.image.tag | default .Chart.AppVersion }}", "1.2.3"),
    ):
        text = text.replace(name, value)
    return text


def objects(preset: str, *settings: str, **asked: Any) -> Iterator[dict[str, Any]]:
    """All that would be applied."""
    for file in files_of(InitRequest(preset=preset, settings=settings, **asked)):
        if file.path.endswith(".yaml") and not file.is_aside and "kustomization" not in file.path:
            text = rendered(file.text)
            assert "{{" not in text
            yield from yaml.safe_load_all(text)


def job_of(preset: str, *settings: str, **asked: Any) -> dict[str, Any]:
    """The one that releases; of a fleet that of all shares."""
    found = [each for each in objects(preset, *settings, **asked) if each["kind"] == "Job"]
    job: dict[str, Any] = found[-1 if "fleet" in asked else 0]
    return job


def canary_of(preset: str, *settings: str, **asked: Any) -> dict[str, Any]:
    files = files_of(InitRequest(preset=preset, settings=settings, **asked))
    texts = (rendered(file.text) for file in files if file.path.endswith(".yaml") and "kustomization" not in file.path)
    jobs = [each for text in texts for each in yaml.safe_load_all(text) if each["kind"] == "Job"]
    first: dict[str, Any] = jobs[0]
    assert len(jobs) == 2
    return first


def pod_of(job: dict[str, Any]) -> dict[str, Any]:
    pod: dict[str, Any] = job["spec"]["template"]["spec"]
    return pod


def words_of(job: dict[str, Any]) -> list[str]:
    words: list[str] = pod_of(job)["containers"][0]["command"]
    return words


@pytest.mark.parametrize(
    ("version", "settings"),
    [
        ("1.29", ("hooks=rollout_undo,scale,pause,delete_job,suspend_job", "app-account=web")),
        ("1.32", ("api=no", "user=image")),
        (NEWEST, ()),
    ],
)
@pytest.mark.parametrize("preset", PRESETS)
def test_every_object_is_valid(preset: str, version: str, settings: tuple[str, ...]) -> None:
    found = list(objects(preset, *settings))
    assert {"Job", "ServiceAccount"} <= {each["kind"] for each in found}
    for each in found:
        kubernetes_validate.validate(each, version, strict=True)


@pytest.mark.parametrize("version", ["1.25", "1.26", "1.28"])
@pytest.mark.parametrize("preset", PRESETS)
def test_an_older_cluster_gets_what_it_knows(preset: str, version: str) -> None:
    for each in objects(preset, f"kubernetes={version}"):
        kubernetes_validate.validate(each, version, strict=True)
    spec = job_of(preset, f"kubernetes={version}")["spec"]
    assert ("podFailurePolicy" in spec, spec["backoffLimit"]) == ((False, 0) if version == "1.25" else (True, 3))


@pytest.mark.parametrize("preset", PRESETS)
def test_a_fleet_is_an_indexed_job(preset: str) -> None:
    job = job_of(preset, "parallel=2", "failures=1", fleet=5)
    for version in ("1.29", NEWEST):
        kubernetes_validate.validate(job, version, strict=True)
    spec = job["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 5, 2)
    assert (spec["backoffLimitPerIndex"], spec["maxFailedIndexes"]) == (3, 1)
    assert "backoffLimit" not in spec
    assert spec["podFailurePolicy"]["rules"][1]["action"] == "FailIndex"
    shares = {each["name"]: each.get("value") for each in pod_of(job)["containers"][0]["env"]}
    assert shares["GATE_FLEET_SHARDS"] == "5"
    budget_s = seconds(words_of(job)[3])
    # Three rounds of pods, in each of them a canary alone and then seven databases, four at a time.
    assert spec["activeDeadlineSeconds"] > 3 * 3 * budget_s
    assert words_of(job)[-4:] == ["--fleet", "dir:/etc/gate/fleet", "--at-once", "4"]
    assert pod_of(job)["volumes"][1]["secret"] == {"secretName": "app-database", "defaultMode": 0o440}
    assert pod_of(job)["securityContext"]["fsGroup"] > 0
    assert {"name": "fleet", "mountPath": "/etc/gate/fleet", "readOnly": True} in pod_of(job)["containers"][0][
        "volumeMounts"
    ]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_canary_goes_before_the_fleet(preset: str) -> None:
    first, by_name = canary_of(preset, fleet=5), canary_of(preset, "canary=acme", fleet=5)
    for job in (first, by_name):
        kubernetes_validate.validate(job, NEWEST, strict=True)
        assert "completions" not in job["spec"]
        assert job["spec"]["podFailurePolicy"]["rules"][1]["action"] == "FailJob"
        assert job["metadata"]["name"] == job_of(preset, fleet=5)["metadata"]["name"] + "-one"
        assert len(job["metadata"]["name"]) <= 63
    env = {each["name"]: each.get("value") for each in pod_of(first)["containers"][0]["env"]}
    assert (env["JOB_COMPLETION_INDEX"], env["GATE_FLEET_SHARDS"]) == ("0", "5")
    assert words_of(by_name)[-2:] == ["--only", "acme"]
    assert not {"JOB_COMPLETION_INDEX", "GATE_FLEET_SHARDS"} & {
        each["name"] for each in pod_of(by_name)["containers"][0]["env"]
    }
    assert seconds(words_of(by_name)[3]) < by_name["spec"]["activeDeadlineSeconds"]
    assert by_name["spec"]["activeDeadlineSeconds"] < first["spec"]["activeDeadlineSeconds"]


def test_the_canary_is_over_before_the_fleet_begins() -> None:
    helm = [each["metadata"]["annotations"]["helm.sh/hook-weight"] for each in objects("helm", fleet=5)]
    assert [int(weight) for weight in helm] == [-20, -20, -20, -15, -10]
    argo = [each["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"] for each in objects("argocd", fleet=5)]
    assert [int(wave) for wave in argo] == [-3, -3, -3, -2, -1]
    for preset in ("kubernetes", "kustomize"):
        (then,) = {file.then for file in files_of(InitRequest(preset=preset, fleet=5)) if file.then}
        waits = then.index("wait job/app-gate-one --for=condition=Complete")
        assert waits < then.index("create -f" if preset == "kubernetes" else "apply -k", waits)


@pytest.mark.parametrize("preset", PRESETS)
def test_pods_wait_for_one_database_and_not_for_a_fleet(preset: str) -> None:
    """A fleet's Secret has no key of that name: a pod that reads it would never start."""
    assert any("gate-wait" in file.text for file in files_of(InitRequest(preset=preset)))
    assert not any("gate-wait" in file.text for file in files_of(InitRequest(preset=preset, fleet=5)))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("budget_s", [60.0, 90.5, 300.0, 900.0, 3600.0, 28800.0])
def test_whoever_is_inside_ends_first(preset: str, budget_s: float) -> None:
    request = InitRequest(preset=preset, budget_s=budget_s)
    job, then = job_of(preset, budget_s=budget_s), "".join(file.then for file in files_of(request))
    words = words_of(job)
    told_s, grace_s = seconds(words[words.index("--budget") + 1]), seconds(words[words.index("--grace") + 1])
    pod_grace_s, job_s = pod_of(job)["terminationGracePeriodSeconds"], job["spec"]["activeDeadlineSeconds"]
    patience = re.search(r"--timeout[= ]([0-9]+)(m|s|)(?: |\n)(?!#)", then.replace("--timeout=2m", ""))
    assert patience is not None, then
    patience_s = int(patience[1]) * (60 if patience[2] == "m" else 1)
    assert told_s >= budget_s
    assert grace_s < pod_grace_s
    assert told_s + pod_grace_s < job_s
    assert job_s + pod_grace_s < patience_s


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("budget_s", [60.0, 900.0, 28800.0])
@pytest.mark.parametrize(
    ("settings", "rounds", "in_a_row"),
    [((), 2, 3), (("largest=1",), 2, 1), (("largest=2", "parallel=1"), 8, 2), (("largest=9", "parallel=8"), 1, 3)],
)
def test_a_fleet_has_time_for_its_largest_share(
    preset: str, budget_s: float, settings: tuple[str, ...], rounds: int, in_a_row: int
) -> None:
    """One first, then four at a time; and for all pods that follow each other. Who waits for it waits for longer."""
    request = InitRequest(preset=preset, settings=settings, budget_s=budget_s, fleet=8)
    job = job_of(preset, *settings, budget_s=budget_s, fleet=8)
    first = canary_of(preset, *settings, budget_s=budget_s, fleet=8)
    grace_s = pod_of(job)["terminationGracePeriodSeconds"]
    job_s, first_s = (each["spec"]["activeDeadlineSeconds"] for each in (job, first))
    assert job_s > rounds * (in_a_row * budget_s + grace_s)
    assert first_s > in_a_row * budget_s + grace_s
    then = "".join(file.then for file in files_of(request)).replace("--timeout=2m", "")
    patience_s = max(
        int(number) * (60 if unit == "m" else 1)
        for number, unit in re.findall(r"--timeout[= ]([0-9]+)(m|s|)(?: |\n)(?!#)", then)
    )
    assert patience_s > max(job_s, first_s) + grace_s


@pytest.mark.parametrize("preset", PRESETS)
def test_what_is_tried_again_follows_the_exit_codes(preset: str) -> None:
    spec = job_of(preset)["spec"]
    final = [code.value for code in Exit if code and not code.may_be_retried]
    ignore, fail, count = spec["podFailurePolicy"]["rules"]
    assert final == [1, 2, 10, 31, 40, 51]
    assert (ignore["action"], ignore["onPodConditions"]) == (
        "Ignore",
        [{"type": "DisruptionTarget", "status": "True"}],
    )
    assert (fail["action"], fail["onExitCodes"]) == (
        "FailJob",
        {"containerName": "gate", "operator": "In", "values": final},
    )
    assert (count["action"], count["onExitCodes"]["operator"]) == ("Count", "NotIn")
    assert count["onExitCodes"]["values"] == final
    assert (spec["backoffLimit"], spec["podReplacementPolicy"]) == (3, "Failed")
    assert pod_of(job_of(preset))["restartPolicy"] == "Never"


@pytest.mark.parametrize("preset", PRESETS)
def test_the_pod_may_do_no_more_than_it_must(preset: str) -> None:
    for job in (each for each in objects(preset) if each["kind"] == "Job"):
        pod = pod_of(job)
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            context = container["securityContext"]
            assert context["allowPrivilegeEscalation"] is False
            assert context["readOnlyRootFilesystem"] is True
            assert context["capabilities"] == {"drop": ["ALL"]}
            assert container["command"][0] == "gate"
            assert container["resources"]["limits"] == {"memory": "256Mi"}
        assert job["spec"]["ttlSecondsAfterFinished"] >= 3600
    marks = job_of(preset)["spec"]["template"]["metadata"]["annotations"]
    assert marks["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert marks["karpenter.sh/do-not-disrupt"] == "true"


def rules_of(*settings: str) -> list[dict[str, Any]]:
    found = next(each for each in objects("kubernetes", *settings, name="shop") if each["kind"] == "Role")
    rules: list[dict[str, Any]] = found["rules"]
    return rules


def allowed(*settings: str) -> set[tuple[str, str, str]]:
    """Group, resource and verb of all that the Role allows."""
    rules = rules_of(*settings)
    assert not any("resourceNames" in rule for rule in rules)
    return {(rule["apiGroups"][0], rule["resources"][0], verb) for rule in rules for verb in rule["verbs"]}


def test_the_role_only_reads_unless_hooks_are_named() -> None:
    assert {verb for _, _, verb in allowed()} == {"get", "list"}
    assert pod_of(job_of("kubernetes", "api=no"))["automountServiceAccountToken"] is False
    assert [each["kind"] for each in objects("kubernetes", "api=no")] == ["ServiceAccount", "Job"]


@pytest.mark.parametrize(
    ("hook", "options"),
    [
        ("rollout_undo", {"deployment": "web"}),
        ("scale", {"deployment": "worker", "replicas": 0}),
        ("scale", {"statefulset": "worker", "replicas": 0}),
        ("pause", {"deployment": "web"}),
        ("delete_job", {"job": "migrate"}),
        ("suspend_job", {"job": "migrate"}),
    ],
)
def test_the_role_allows_what_the_hook_asks_for(hook: str, options: dict[str, Any]) -> None:
    """And nothing that changes anything beside it."""
    setting = HookSetting(kind=f"kubernetes.{hook}", options=options)
    made = HOOKS[hook](setting, Around(environment={}))
    assert isinstance(made, KubernetesHook)
    wanted = {(rule.group, rule.resource, rule.verb) for rule in made.deed.rules()}
    found = allowed(f"hooks={hook}")
    assert wanted <= found
    changing = {rule for rule in found if rule[2] not in ("get", "list")}
    both = {rule for rule in changing if hook == "scale" and rule[1].endswith("/scale")}
    assert changing - wanted <= both


def test_the_role_allows_what_is_asked_about_old_code(tmp_path: Path) -> None:
    """Its requests, as an API server that forbids all else sees them."""
    fake, stateful = filled(), deployment("db")
    stateful |= {"kind": "StatefulSet", "status": {"observedGeneration": 2, "replicas": 1, "updateRevision": "db-2"}}
    stateful["spec"]["serviceName"] = "db"
    fake.add(stateful)
    may = {f"{verb} {resource}" for _, resource, verb in allowed()}
    fake.forbidden = {f"{verb} {plural}" for verb in ("get", "list", "patch", "delete") for plural in PLURALS} - may
    with serving(fake):
        hooks = Hooks(cluster=fake, token_file=tmp_path / "token", table={"statefulsets": ["db"]})
        found = hooks.old_code("web")
    assert found is not None
    assert (found.is_running, found.unknown) == (False, ())


def test_hooks_of_helm_and_argo_cd() -> None:
    helm = job_of("helm")["metadata"]["annotations"]
    assert helm["helm.sh/hook"] == "post-install,pre-upgrade"
    assert helm["helm.sh/hook-delete-policy"] == "before-hook-creation"
    assert job_of("helm", "install=before")["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    weights = [int(each["metadata"]["annotations"]["helm.sh/hook-weight"]) for each in objects("helm")]
    assert weights == sorted(weights)
    assert weights[-1] > weights[-2]
    argo = [each["metadata"]["annotations"] for each in objects("argocd")]
    assert [each["argocd.argoproj.io/hook"] for each in argo] == [*["PreSync"] * 4, "SyncFail"]
    assert {each["argocd.argoproj.io/hook-delete-policy"] for each in argo} == {"BeforeHookCreation"}
    assert words_of([each for each in objects("argocd") if each["kind"] == "Job"][1]) == ["gate", "kill"]


@pytest.mark.parametrize("name", ["true", "123", "1e3", "0x1f", "null", "no", "a-b"])
def test_odd_names_stay_texts(name: str) -> None:
    for each in objects("kubernetes", f"secret={name}", f"deployment={name}", name=name, namespace=name):
        kubernetes_validate.validate(each, NEWEST, strict=True)
        assert each["metadata"]["namespace"] == name
    source = "a 'b\": {c} # \u00e4\u0085"
    with pytest.raises(UsageError):
        list(objects("kubernetes", source=source))
    assert words_of(job_of("kubernetes", source="a 'b\": {c} # \u00e4"))[-1] == "a 'b\": {c} # \u00e4"


@pytest.mark.parametrize(
    ("asked", "settings", "says"),
    [
        ({"name": "Shop_1"}, (), "such as --name shop-1"),
        ({"name": "a" * 53}, (), "such as --name aaa"),
        ({"namespace": "a.b"}, (), "such as --namespace a-b"),
        ({"image": "a b"}, (), "--image"),
        ({}, ("kubernetes=1.24",), "kubernetes=1.27"),
        ({}, ("user=0",), "user=1000"),
        ({}, ("hooks=restart",), "rollout_undo"),
        ({}, ("hooks=scale", "api=no"), "leave one of them out"),
        ({}, ("parallel=2",), "--fleet"),
        ({}, ("canary=acme",), "canary= is for a fleet"),
        ({"fleet": 3}, ("canary=-x",), "canary=-x: no name of a database"),
        ({"fleet": 3}, ("largest=0",), "a whole number from 1"),
        ({"fleet": 3}, ("key=URL",), "key= is for one database"),
        ({"fleet": 3}, ("app-account=web",), "app-account= is for one database"),
        ({"fleet": 20_000}, (), "a whole number from 1"),
        ({"budget_s": 0.0}, (), "--budget must be a second at least"),
        ({"source": "-x"}, (), "--source '-x' is no directory"),
        ({}, ("secret=a/b",), "secret=a/b"),
        ({}, ("key=a b",), "key=a b: no key of a Secret"),
        ({}, ("hooks=kill",), "there is no 'kill'"),
        ({}, ("api=maybe",), "api=maybe: yes or no"),
        ({"fleet": 3}, ("kubernetes=1.28",), "leave kubernetes= out"),
    ],
)
def test_what_the_api_server_would_turn_down_is_not_written(
    asked: dict[str, Any], settings: tuple[str, ...], says: str
) -> None:
    with pytest.raises(UsageError) as error:
        list(objects("kubernetes", *settings, **asked))
    assert says in f"{error.value} {error.value.remedy}"


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not on PATH")
def test_kustomize_builds_the_job_and_the_waiting_pods(tmp_path: Path) -> None:
    request = InitRequest(preset="kustomize", name="shop", namespace="prod", directory=str(tmp_path))
    write(planned(request), is_forced=False)
    made = list(yaml.safe_load_all(kustomize(tmp_path / "job")))
    assert {each["metadata"]["namespace"] for each in made} == {"prod"}
    app = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": "shop"}},
            "template": {
                "metadata": {"labels": {"app": "shop"}},
                "spec": {"containers": [{"name": "web", "image": "shop"}]},
            },
        },
    }
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "app.yaml").write_text(yaml.safe_dump(app))
    overlay = {"resources": ["app.yaml"], "components": ["../wait"]}
    (tmp_path / "app" / "kustomization.yaml").write_text(yaml.safe_dump(overlay))
    deployment = yaml.safe_load(kustomize(tmp_path / "app"))
    for each in (*made, deployment):
        kubernetes_validate.validate(each, NEWEST, strict=True)
    (first,) = deployment["spec"]["template"]["spec"]["initContainers"]
    assert first["command"][:4] == ["gate", "wait", "--schema-at-least", "latest"]


@pytest.mark.skipif(KUBECTL is None, reason="kubectl is not on PATH")
@pytest.mark.parametrize("fleet", [None, 3])
def test_kustomize_puts_the_image_of_this_deploy_in(tmp_path: Path, fleet: int | None) -> None:
    """By the name that the next steps say, which has neither tag nor digest."""
    image = "registry.example.com:5000/team/shop:1.0@sha256:" + "0" * 64
    request = InitRequest(preset="kustomize", image=image, fleet=fleet, directory=str(tmp_path))
    (then,) = {file.then for file in files_of(request) if file.then}
    assert "kustomize edit set image registry.example.com:5000/team/shop=IMAGE" in then
    write(planned(request), is_forced=False)
    for directory in ("canary", "job") if fleet else ("job",):
        at = tmp_path / directory / "kustomization.yaml"
        whole = yaml.safe_load(at.read_text())
        whole["images"] = [{"name": "registry.example.com:5000/team/shop", "newTag": "2.0"}]
        at.write_text(yaml.safe_dump(whole))
        made = list(yaml.safe_load_all(kustomize(at.parent)))
        (job,) = [each for each in made if each["kind"] == "Job"]
        assert pod_of(job)["containers"][0]["image"].startswith("registry.example.com:5000/team/shop:2.0")
        for each in made:
            kubernetes_validate.validate(each, NEWEST, strict=True)


def kustomize(at: Path) -> str:
    assert KUBECTL is not None
    return subprocess.run([KUBECTL, "kustomize", str(at)], capture_output=True, text=True, check=True).stdout


@pytest.mark.majors(newest=True)
@pytest.mark.parametrize("preset", PRESETS)
def test_the_command_of_the_job_releases(preset: str, database: Database, tmp_path: Path) -> None:
    """Its very words and variables, with no home, and where nothing can be written."""
    migrations = tmp_path / "app" / "db" / "migrations"
    migrations.mkdir(parents=True)
    text = "-- migrate:up\nCREATE TABLE t (a int);\n-- migrate:down\nDROP TABLE t;\n"
    (migrations / "20260101000000_t.sql").write_text(text)
    job = job_of(preset, source=str(migrations))
    words = words_of(job)
    told = {each["name"]: "x" for each in pod_of(job)["containers"][0]["env"]}
    told["DATABASE_URL"] = database.conninfo
    variables = {**environment(), **told}
    del variables["HOME"]
    assert words[0] == "gate"
    done = subprocess.run(
        command(*words[1:]), cwd="/proc", env=variables, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == Exit.DONE, done.stderr
    again = subprocess.run(
        command(*words[1:]), cwd="/proc", env=variables, capture_output=True, text=True, check=False, timeout=60
    )
    assert (again.returncode, "nothing" in again.stdout.lower()) == (Exit.DONE, True)
