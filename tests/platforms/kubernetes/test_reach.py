"""Where the API server is and who asks it: in a pod, and by what gate.toml says."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gate.model.errors import Exit, GateError, Unreachable, UsageError
from gate.platforms.kubernetes.client import DEPLOYMENTS, Api
from gate.platforms.kubernetes.errors import ApiError
from gate.platforms.kubernetes.reach import Reach, reach
from gate.platforms.secrets import Secrets
from tests.platforms.kubernetes.conftest import filled
from tests.platforms.kubernetes.fake import TOKEN, FakeKubernetes, Fault, serving


@pytest.fixture
def pod(tmp_path: Path) -> dict[str, str]:
    """The environment of a pod whose service account is mounted."""
    for name, text in (("token", f"{TOKEN}\n"), ("namespace", "shop"), ("ca.crt", "")):
        (tmp_path / name).write_text(text)
    return {
        "KUBERNETES_SERVICE_HOST": "10.96.0.1",
        "KUBERNETES_SERVICE_PORT_HTTPS": "6443",
        "GATE_KUBERNETES_SERVICE_ACCOUNT": str(tmp_path),
        "HOSTNAME": "migrate-x7",
    }


def found(environment: dict[str, str], **table: Any) -> Reach:
    return reach(environment, table, Secrets())


def test_a_pod_knows_it_all(pod: dict[str, str]) -> None:
    where = found(pod)
    assert (where.server, where.namespace, where.pod) == ("https://10.96.0.1:6443", "shop", "migrate-x7")
    assert (where.token(), where.account()) == (TOKEN, "system:serviceaccount:shop:gate")
    assert TOKEN not in repr(where)
    assert found({**pod, "KUBERNETES_SERVICE_HOST": "fd00::1"}).server == "https://[fd00::1]:6443"
    del pod["KUBERNETES_SERVICE_PORT_HTTPS"]
    assert found({**pod, "KUBERNETES_SERVICE_PORT": "8443"}).server == "https://10.96.0.1:8443"


def test_the_token_is_read_anew_each_time(pod: dict[str, str], tmp_path: Path) -> None:
    where = found(pod)
    assert where.token() == TOKEN
    (tmp_path / "token").write_text("the-next-one")
    assert where.token() == "the-next-one"
    assert where.secrets.masked(f"{TOKEN} the-next-one") == "*** ***"


def test_which_namespace_is_meant(pod: dict[str, str], tmp_path: Path) -> None:
    pod["POD_NAMESPACE"] = "of-pod"
    assert found(pod).namespace == "of-pod"
    assert found(pod, namespace="of-file").namespace == "of-file"
    assert found({**pod, "GATE_KUBERNETES_NAMESPACE": "of-gate"}, namespace="of-file").namespace == "of-gate"
    assert reach(pod, {"namespace": "of-file"}, Secrets(), namespace="of-hook").namespace == "of-hook"
    (tmp_path / "namespace").unlink()
    del pod["POD_NAMESPACE"]
    with pytest.raises(UsageError, match="which namespace is meant is not told"):
        found(pod)


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"server": "https://10.0.0.1"}, "names a server and no token"),
        ({"server": "http://10.0.0.1", "token": "env:T"}, "is no https:// address"),
        ({"server": "https://user:hunter2@10.0.0.1", "token": "env:T"}, "is no https:// address"),
        ({"sever": "https://10.0.0.1"}, "did you mean server"),
        ({"namespace": "../kube-system"}, "cannot be called"),
        ({"namespace": 7}, "is no text"),
    ],
)
def test_what_cannot_be_meant(table: dict[str, Any], problem: str, pod: dict[str, str]) -> None:
    with pytest.raises(UsageError) as caught:
        found(pod, **table)
    assert problem in caught.value.problem
    assert "hunter2" not in f"{caught.value.problem}{caught.value.remedy}"


def test_outside_a_cluster_it_has_to_be_told() -> None:
    with pytest.raises(UsageError, match="names no server") as caught:
        found({}, namespace="shop")
    assert "a kubeconfig is not read" in caught.value.remedy


def test_an_account_that_is_not_mounted_is_named(pod: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "token").unlink()
    with pytest.raises(UsageError, match="no service account token is mounted") as caught:
        found(pod)
    assert "automountServiceAccountToken: true" in caught.value.remedy


# --- a server with a certificate of its own ---------------------------------------------------------------------------

OPENSSL = shutil.which("openssl")


@pytest.mark.skipif(OPENSSL is None, reason="openssl is not on PATH: no certificate can be made")
def test_only_the_certificate_of_the_mounted_authority_will_do(pod: dict[str, str], tmp_path: Path) -> None:
    assert OPENSSL is not None
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = [
        OPENSSL,
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    made += ["-subj", "/CN=kubernetes", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run([*made, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    both = tmp_path / "both.pem"
    both.write_text(certificate.read_text() + key.read_text())
    with serving(filled(), both) as fake:
        port = fake.url.rpartition(":")[2]
        pod |= {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT_HTTPS": port}
        with pytest.raises(UsageError, match="cannot read the certificate authority"):
            Api(reach=found(pod), left_s=lambda: 5.0).get(DEPLOYMENTS, "web")
        (tmp_path / "ca.crt").write_text(certificate.read_text())
        assert Api(reach=found(pod), left_s=lambda: 5.0).get(DEPLOYMENTS, "web")["metadata"]["name"] == "web"
        subprocess.run([*made, "-keyout", str(key), "-out", str(tmp_path / "ca.crt")], check=True, capture_output=True)
        fake.asked.clear()
        with pytest.raises(Unreachable, match="certificate verify failed"):
            Api(reach=found(pod), left_s=lambda: 5.0).get(DEPLOYMENTS, "web")
        assert fake.asked == []


def test_a_proxy_of_the_environment_does_not_get_the_token(
    pod: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(filled()) as fake:
        assert plain(pod, fake).get(DEPLOYMENTS, "web")["kind"] == "Deployment"


def plain(pod: dict[str, str], fake: FakeKubernetes) -> Api:
    """Without TLS, which is for this machine alone."""
    return Api(reach=found({**pod, "T": TOKEN}, server=fake.url, token="env:T"), left_s=lambda: 5.0)


@pytest.mark.parametrize(
    ("status", "exit_code"), [(401, Exit.MISSING_PRIVILEGE), (403, Exit.MISSING_PRIVILEGE), (404, Exit.USAGE)]
)
def test_an_answer_is_shown_in_the_servers_words(status: int, exit_code: Exit, pod: dict[str, str]) -> None:
    with serving(filled()) as fake:
        body = {"reason": "Because", "message": "it is so"}
        fake.faults.append(Fault(match="GET .*", status=status, body=body))
        with pytest.raises(ApiError) as caught:
            plain(pod, fake).get(DEPLOYMENTS, "web")
    assert (caught.value.exit_code, caught.value.code) == (exit_code, status)
    assert caught.value.problem.endswith(f"answers {status} to get deployments.apps: Because: it is so")


def test_a_page_instead_of_an_object_is_no_success(pod: dict[str, str]) -> None:
    with serving(filled()) as fake:
        fake.faults.append(Fault(match="GET .*", status=200, body="<html>sign in</html>"))
        with pytest.raises(GateError, match="what is no object of Kubernetes"):
            plain(pod, fake).get(DEPLOYMENTS, "web")
