"""Each hook of Kubernetes: what it changes, when it does not, and how that is put back."""

from __future__ import annotations

import pytest

from gate.model.changes import Until
from gate.model.errors import UsageError
from gate.run.hooking import ON_WATCH_FAILURE
from tests.platforms.kubernetes.fake import TOKEN, Fault
from tests.platforms.kubernetes.hooks import Hooks
from tests.platforms.kubernetes.objects import autoscaler, deployment, pod, replica_set

CONFLICT = {"reason": "Conflict", "message": "the object has been modified"}


def replicas(hooks: Hooks, name: str = "worker") -> int:
    found = hooks.cluster.get("deployments", name)["spec"]["replicas"]
    assert isinstance(found, int)
    return found


# --- scale ------------------------------------------------------------------------------------------------------------


def test_workers_go_and_come_back(hooks: Hooks) -> None:
    done = hooks.call("scale", deployment="worker")
    assert (done.problem, replicas(hooks)) == ("", 0)
    assert done.output == "Deployment worker is to have no pod now, and had 3"
    change = hooks.change()
    assert (change.what, change.until) == ("Deployment worker in shop was scaled from 3 to 0", Until.RUN_ENDS)
    assert hooks.restore(change).output == "Deployment worker in shop is to have 3 pods again"
    assert replicas(hooks) == 3
    assert "again already" in hooks.restore(change).output


def test_it_is_written_down_before_it_is_done(hooks: Hooks) -> None:
    assert hooks.kept is not None
    hooks.kept.is_full = True
    assert "disk full" in hooks.call("scale", deployment="worker").problem
    assert hooks.cluster.changes == []


def test_without_a_journal_nothing_is_changed(hooks: Hooks) -> None:
    hooks.kept = None
    assert "no journal" in hooks.call("scale", deployment="worker").problem
    assert hooks.cluster.changes == []


def test_what_somebody_has_changed_since_is_left(hooks: Hooks) -> None:
    hooks.call("scale", deployment="worker")
    hooks.cluster.get("deployments", "worker")["spec"]["replicas"] = 5
    assert "somebody has changed that since" in hooks.restore(hooks.change()).output
    assert replicas(hooks) == 5
    del hooks.cluster.objects["deployments"]["worker"]
    assert "does not exist any more" in hooks.restore(hooks.change()).output


@pytest.mark.parametrize("kind", ["scale", "pause"])
def test_another_one_of_that_name_is_left(kind: str, hooks: Hooks) -> None:
    """A copy of the database has the journal too, and so has the address of the API server in most clusters."""
    hooks.call(kind, deployment="worker")
    hooks.cluster.get("deployments", "worker")["metadata"]["uid"] = "00000000-0000-4000-8000-00000000beef"
    asked = list(hooks.cluster.changes)
    assert "another one of that name" in hooks.restore(hooks.change()).output
    assert hooks.cluster.changes == asked


def test_after_a_good_end_nothing_is_to_be_put_back(hooks: Hooks) -> None:
    assert hooks.call("scale", "on_success", deployment="worker", replicas=6).problem == ""
    assert hooks.kept is not None
    assert (replicas(hooks), hooks.kept.changes) == (6, {})


def test_an_autoscaler_that_would_undo_it_is_an_objection(hooks: Hooks) -> None:
    hooks.cluster.add(autoscaler("worker"))
    assert "would not leave it at 1" in hooks.call("scale", deployment="worker", replicas=1).problem
    assert hooks.cluster.changes == []
    assert "leaves it alone while it is at 0" in hooks.call("scale", deployment="worker").output


def test_what_is_there_already_is_no_change(hooks: Hooks) -> None:
    assert hooks.call("scale", deployment="worker", replicas=3).output == "Deployment worker has 3 pods already"
    assert hooks.cluster.changes == []


def test_a_refused_change_is_struck_out_and_a_lost_one_is_not(hooks: Hooks) -> None:
    hooks.cluster.faults.append(Fault(match="PATCH .*", status=409, body=CONFLICT, times=4))
    assert "409" in hooks.call("scale", deployment="worker").problem
    assert hooks.kept is not None
    assert hooks.kept.changes == {}
    hooks.cluster.faults.append(Fault(match="PATCH .*", acts=True))
    assert "not known" in hooks.call("scale", deployment="worker").problem
    assert hooks.restore(hooks.change()).output.endswith("3 pods again")


def test_another_cluster_is_not_changed(hooks: Hooks) -> None:
    hooks.call("scale", deployment="worker")
    change = hooks.change()
    where = {**change.where, "server": "https://10.0.0.1:443"}
    other = type(change)(**{**vars(change), "where": where})
    assert "this one is another" in hooks.restore(other).problem
    assert replicas(hooks) == 0


# --- pause ------------------------------------------------------------------------------------------------------------


def test_a_rollout_stands_still_and_goes_on(hooks: Hooks) -> None:
    assert hooks.call("pause", deployment="web").output == "Deployment web is paused"
    assert hooks.cluster.get("deployments", "web")["spec"]["paused"] is True
    assert hooks.restore(hooks.change()).output == "Deployment web in shop goes on again"
    assert "paused" not in hooks.cluster.get("deployments", "web")["spec"]
    assert "goes on already" in hooks.restore(hooks.change()).output


def test_what_somebody_else_has_paused_stays_paused(hooks: Hooks) -> None:
    hooks.cluster.get("deployments", "web")["spec"]["paused"] = True
    assert "paused already" in hooks.call("pause", deployment="web").output
    assert hooks.kept is not None
    assert hooks.kept.changes == {}


# --- rollout undo -----------------------------------------------------------------------------------------------------


def image(hooks: Hooks) -> str:
    return str(hooks.cluster.get("deployments", "web")["spec"]["template"]["spec"]["containers"][0]["image"])


@pytest.mark.parametrize("release", ["2", "shop:2"])
def test_it_goes_back_to_the_revision_before(release: str, hooks: Hooks) -> None:
    done = hooks.undo(release)
    assert (done.problem, image(hooks)) == ("", "shop:1")
    assert done.output == "Deployment web goes back from revision 2 (shop:2) to revision 1 (shop:1)"


@pytest.mark.parametrize("event", ["on_failure", "on_refused", "on_begin", "on_success"])
def test_before_the_deploy_it_does_nothing_and_says_why(event: str, hooks: Hooks) -> None:
    done = hooks.call("rollout_undo", event, '{"release": "2"}', deployment="web")
    assert (done.problem, hooks.cluster.asked) == ("", [])
    assert "before the deploy" in done.output


def test_another_release_than_the_failed_one_is_left_alone(hooks: Hooks) -> None:
    assert "is at revision 2 (shop:2) by now" in hooks.undo("1").output
    assert "is at revision 2" in hooks.undo("shop:1").output
    assert hooks.cluster.changes == []


def test_what_has_failed_has_to_be_told_and_to_be_clear(hooks: Hooks) -> None:
    assert "which revision has failed is not told" in hooks.undo("").problem
    assert "not clear" in hooks.undo("2", release="1").problem
    assert "not told" in hooks.call("rollout_undo", ON_WATCH_FAILURE, "no document", deployment="web").problem
    assert hooks.cluster.changes == []


def test_a_paused_or_changing_deployment_is_left_alone(hooks: Hooks) -> None:
    web = hooks.cluster.get("deployments", "web")
    web["spec"]["paused"] = True
    assert "is paused" in hooks.undo().problem
    del web["spec"]["paused"]
    web["metadata"]["generation"] = 3
    assert "is being changed" in hooks.undo().problem
    assert hooks.cluster.changes == []


def test_there_is_nothing_to_go_back_to(hooks: Hooks) -> None:
    assert "no revision 7" in hooks.undo(to_revision=7).problem
    del hooks.cluster.objects["replicasets"]["web-hash1"]
    assert "no earlier revision" in hooks.undo().problem


def test_an_undo_whose_answer_is_lost_is_looked_for(hooks: Hooks) -> None:
    hooks.cluster.faults.append(Fault(match="PATCH .*", acts=True))
    assert hooks.undo().problem == ""
    assert image(hooks) == "shop:1"
    assert len(hooks.cluster.changes) == 1


@pytest.mark.parametrize("kind", ["rollout_undo", "scale", "pause"])
def test_what_somebody_else_writes_at_that_moment_is_read_again(kind: str, hooks: Hooks) -> None:
    hooks.cluster.faults.append(Fault(match="PATCH .*", status=409, body=CONFLICT, times=2))
    done = hooks.call(kind, ON_WATCH_FAILURE, '{"release": "2"}', deployment="web")
    assert (done.problem, len(hooks.cluster.changes)) == ("", 3)


def test_after_a_conflict_another_release_is_left_alone(hooks: Hooks) -> None:
    def deployed() -> None:
        web = hooks.cluster.get("deployments", "web")
        web["spec"]["template"]["spec"]["containers"][0]["image"] = "shop:3"
        hooks.cluster.add(replica_set(web, image="shop:3", revision=3, replicas=3, number=3))

    hooks.cluster.faults.append(Fault(match="PATCH .*", status=409, body=CONFLICT, meanwhile=deployed))
    assert "is at revision 3 (shop:3) by now" in hooks.undo("2").output
    assert image(hooks) == "shop:3"


def test_what_is_itself_a_return_is_not_undone_to_what_was_left(hooks: Hooks) -> None:
    """A watch that is called a second time would bring the bad revision back."""
    current = hooks.cluster.get("replicasets", "web-hash2")
    current["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"] = "0"
    assert "is itself a return to an earlier one" in hooks.undo("2").problem
    assert hooks.undo("2", to_revision=1).problem == ""


def test_an_undo_that_was_not_done_is_said_not_to_be_known(hooks: Hooks) -> None:
    hooks.cluster.faults.append(Fault(match="PATCH .*"))
    assert "not known" in hooks.undo().problem
    assert image(hooks) == "shop:2"


@pytest.mark.parametrize(
    ("labels", "annotations", "said"),
    [
        ({"argocd.argoproj.io/instance": "shop"}, {}, "Argo CD"),
        ({"kustomize.toolkit.fluxcd.io/name": "apps"}, {}, "Flux"),
        ({"app.kubernetes.io/managed-by": "Helm"}, {"meta.helm.sh/release-name": "shop"}, "helm rollback shop"),
    ],
)
def test_whoever_else_decides_is_named(
    labels: dict[str, str], annotations: dict[str, str], said: str, hooks: Hooks
) -> None:
    metadata = hooks.cluster.get("deployments", "web")["metadata"]
    metadata["labels"] = labels
    metadata["annotations"].update(annotations)
    assert said in hooks.undo().output


# --- jobs -------------------------------------------------------------------------------------------------------------


def test_a_job_is_deleted_with_its_pods(hooks: Hooks) -> None:
    assert "is deleted" in hooks.call("delete_job", "kill", job="migrate").output
    assert hooks.cluster.objects["jobs"] == {}
    assert hooks.cluster.changes[0].body["propagationPolicy"] == "Background"
    assert "there is no Job migrate" in hooks.call("delete_job", "kill", job="migrate").output


def test_a_job_that_was_made_anew_meanwhile_is_let_be(hooks: Hooks) -> None:
    def anew() -> None:
        hooks.cluster.get("jobs", "migrate")["metadata"]["uid"] = "another"

    hooks.cluster.faults.append(Fault(match="GET .*/pods", status=200, body={"items": []}, meanwhile=anew))
    assert "409" in hooks.call("delete_job", "kill", job="migrate").problem
    assert "migrate" in hooks.cluster.objects["jobs"]


def test_our_own_job_is_never_stopped(hooks: Hooks) -> None:
    hooks.cluster.add(pod("migrate-x7", {"batch.kubernetes.io/job-name": "migrate"}))
    hooks.environment = {"POD_NAME": "migrate-x7", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    assert "gate itself runs in Job migrate" in hooks.call("delete_job", job="migrate").problem
    assert hooks.cluster.changes == []


def test_where_it_cannot_be_told_it_is_not_stopped_either(hooks: Hooks) -> None:
    hooks.environment = {"POD_NAME": "migrate-x7", "KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    hooks.cluster.forbidden = {"list pods"}
    assert "cannot be told" in hooks.call("delete_job", job="migrate").problem
    assert hooks.cluster.changes == []


def test_a_job_is_suspended(hooks: Hooks) -> None:
    assert "is suspended" in hooks.call("suspend_job", job="migrate").output
    assert hooks.cluster.get("jobs", "migrate")["spec"]["suspend"] is True


# --- beforehand -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options", "lacks", "rule"),
    [
        ("scale", {"deployment": "worker"}, "patch deployments/scale",
         '- {apiGroups: ["apps"], resources: ["deployments/scale"], verbs: ["patch"]}'),
        ("pause", {"deployment": "web"}, "patch deployments",
         '- {apiGroups: ["apps"], resources: ["deployments"], verbs: ["patch"]}'),
        ("rollout_undo", {"deployment": "web"}, "list replicasets",
         '- {apiGroups: ["apps"], resources: ["replicasets"], verbs: ["list"]}'),
        ("delete_job", {"job": "migrate"}, "delete jobs",
         '- {apiGroups: ["batch"], resources: ["jobs"], verbs: ["delete"]}'),
    ],
)  # fmt: skip
def test_a_missing_rule_is_named_beforehand_and_when_it_is_met(
    kind: str, options: dict[str, object], lacks: str, rule: str, hooks: Hooks
) -> None:
    assert hooks.check(kind, **options) == ""
    hooks.cluster.forbidden = {lacks}
    found = hooks.check(kind, **options)
    assert rule in found
    assert "service account shop/gate" in found
    document = '{"release": "2"}'
    assert rule in hooks.call(kind, ON_WATCH_FAILURE, document, **options).problem
    assert hooks.cluster.changes == [] or all(asked.method in ("PATCH", "DELETE") for asked in hooks.cluster.changes)


def test_a_role_may_be_limited_to_the_one_object(hooks: Hooks) -> None:
    """One with `resourceNames` answers no to a question without a name; a list can have none."""
    assert hooks.check("scale", deployment="worker") == ""
    reviews = [asked.body["spec"]["resourceAttributes"] for asked in hooks.cluster.asked if asked.method == "POST"]
    assert {review["verb"]: review.get("name") for review in reviews} == {
        "get": "worker", "patch": "worker", "list": None,
    }  # fmt: skip


def test_a_target_that_is_not_there_is_named_beforehand(hooks: Hooks) -> None:
    assert 'deployments "wrker" not found' in hooks.check("scale", deployment="wrker")


@pytest.mark.parametrize(
    ("kind", "options", "problem"),
    [
        ("scale", {}, "takes one of deployment and statefulset"),
        ("scale", {"deployment": "a", "statefulset": "b"}, "takes one of"),
        ("scale", {"deployment": "worker", "replicas": "none"}, "replicas is no whole number"),
        ("scale", {"deployment": "../secrets"}, "cannot be called"),
        ("pause", {}, "deployment is not told"),
        ("pause", {"deployment": "web", "replcas": 1}, "unknown key 'replcas'"),
        ("rollout_undo", {"deployment": "web", "to_revsion": 3}, "did you mean to_revision"),
        ("delete_job", {"job": ""}, "job is not told"),
        ("undo", {}, "there is no hook 'kubernetes.undo'"),
    ],
)
def test_options_that_do_not_do(kind: str, options: dict[str, object], problem: str, hooks: Hooks) -> None:
    with pytest.raises(UsageError) as caught:
        hooks.hook(kind, **options)
    assert problem in caught.value.problem


# --- the API server misbehaves ----------------------------------------------------------------------------------------


def test_a_token_that_is_rotated_meanwhile_is_read_anew(hooks: Hooks) -> None:
    hooks.call("scale", deployment="worker", replicas=2)
    hooks.cluster.token = "the-next-one"
    assert "401" in hooks.call("scale", deployment="worker", replicas=1).problem
    hooks.token_file.write_text("the-next-one")
    assert hooks.call("scale", deployment="worker", replicas=1).problem == ""


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_only_reads_is_asked_again(status: int, hooks: Hooks) -> None:
    hooks.cluster.faults.append(Fault(match="GET .*", status=status, body={"message": "busy"}, times=2))
    assert hooks.call("scale", deployment="worker").problem == ""
    assert replicas(hooks) == 0


def test_a_change_that_met_a_broken_server_is_sent_once(hooks: Hooks) -> None:
    hooks.cluster.faults.append(Fault(match="PATCH .*", status=500, body={"message": "etcd"}, times=9))
    assert "not known" in hooks.call("scale", deployment="worker").problem
    assert len(hooks.cluster.changes) == 1


def test_a_change_that_was_not_taken_for_load_is_sent_again(hooks: Hooks) -> None:
    hooks.cluster.faults.append(Fault(match="PATCH .*", status=429, body={}, headers={"Retry-After": "2"}))
    assert hooks.call("scale", deployment="worker").problem == ""
    assert hooks.clock.pauses == [2.0]


def test_it_ends_in_its_time(hooks: Hooks) -> None:
    hooks.cluster.faults.append(Fault(match="GET .*", status=503, body="a proxy's page", times=99))
    hooks.clock.left_s = 3.0
    assert "a proxy's page" in hooks.call("scale", deployment="worker").problem
    assert hooks.clock.left_s > 0


def test_nobody_can_make_gate_tell_the_token(hooks: Hooks) -> None:
    hooks.cluster.faults.append(
        Fault(match="GET .*", status=403, body={"reason": "Forbidden", "message": f"the token {TOKEN} may not"})
    )
    done = hooks.call("scale", deployment="worker")
    assert TOKEN not in done.problem + done.output + repr(hooks.hook("scale", deployment="worker"))
    assert "the token *** may not" in done.problem


# --- is old code still running? ---------------------------------------------------------------------------------------


def test_nothing_older_runs(hooks: Hooks) -> None:
    found = hooks.old_code("web")
    assert found is not None
    assert (found.is_running, found.current) == (False, "web at revision 2 (shop:2)")


def test_a_pod_that_is_ending_still_runs(hooks: Hooks) -> None:
    ending = pod("web-hash1-z", {"app": "web", "pod-template-hash": "hash1"}, image="shop:1")
    ending["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z"
    hooks.cluster.add(ending)
    found = hooks.old_code("web")
    assert found is not None
    assert found.is_running
    assert found.who == ("pod web-hash1-z runs revision 1 (shop:1), and is ending",)


def test_an_older_replica_set_with_pods_counts_and_finished_pods_do_not(hooks: Hooks) -> None:
    hooks.cluster.add(pod("web-hash1-d", {"app": "web", "pod-template-hash": "hash1"}, phase="Succeeded"))
    assert hooks.old_code("web") is not None
    web = hooks.cluster.get("deployments", "web")
    hooks.cluster.add(replica_set(web, image="shop:1", revision=1, replicas=2, number=1))
    found = hooks.old_code("web")
    assert found is not None
    assert found.who == ("ReplicaSet web-hash1 has 2 of revision 1 (shop:1)",)


def test_what_may_not_be_read_is_not_known(hooks: Hooks) -> None:
    hooks.cluster.forbidden = {"list pods"}
    found = hooks.old_code("web", "missing")
    assert found is not None
    assert found.is_running is None
    assert 'resources: ["pods"], verbs: ["list"]' in found.unknown[0]
    assert "missing" in found.unknown[1]


def test_a_rollout_on_its_way_is_not_known_and_nothing_told_is_not_asked(hooks: Hooks) -> None:
    hooks.cluster.get("deployments", "web")["metadata"]["generation"] = 9
    found = hooks.old_code("web")
    assert found is not None
    assert found.is_running is None
    asked = len(hooks.cluster.asked)
    assert hooks.old_code() is None
    assert len(hooks.cluster.asked) == asked


def test_two_deployments_are_looked_at(hooks: Hooks) -> None:
    other = deployment("api", image="api:9", revision=4)
    other["metadata"]["uid"] = "00000000-0000-4000-8000-00000000abcd"
    hooks.cluster.add(other, replica_set(other, image="api:9", revision=4, replicas=1, number=3))
    found = hooks.old_code("web", "api")
    assert found is not None
    assert (found.is_running, found.current) == (False, "web at revision 2 (shop:2); api at revision 4 (api:9)")
