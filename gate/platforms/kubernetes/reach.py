"""Where the API server is, by whose token it is asked, and which namespace is meant.

In a pod: the environment and the mounted service account. Elsewhere: `server`, `token` and `ca` of
`[platform.kubernetes]`. A kubeconfig is not read: it may start programs, and holds more rights than a gate should have.

Source: https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gate.model.errors import UsageError
from gate.platforms.secrets import Secrets

KEY = "kubernetes"
ACCOUNT_DIRECTORY = "/var/run/secrets/kubernetes.io/serviceaccount"
KEYS = ("namespace", "server", "token", "ca", "deployments", "statefulsets")
"""What `[platform.kubernetes]` may hold."""
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?", re.ASCII)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, kw_only=True)
class Reach:
    """`server` is the base URL. `token_at` is where the token is read, anew for each request, for it is rotated: in a
    pod the kubelet does so before an hour is over. `ca` is a file, None for the system's certificates. `pod` is the
    name of the pod that we are in, or what is known of it; empty outside a cluster.
    """

    server: str
    namespace: str
    token_at: str
    ca: str | None = None
    pod: str = ""
    is_in_cluster: bool = False
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
    secrets: Secrets = field(default_factory=Secrets, repr=False)

    def token(self) -> str:
        """As it is now. Raises UsageError where there is none."""
        return self.secrets.read(self.token_at, self.environment, key="platform.kubernetes.token")

    def account(self) -> str:
        """Whom the token is of, `system:serviceaccount:shop:gate`; empty where it does not say."""
        parts = self.token().split(".")
        if len(parts) != 3:
            return ""
        try:
            told = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
        except (binascii.Error, ValueError):
            return ""
        found = told.get("sub") if isinstance(told, dict) else None
        return found if isinstance(found, str) else ""


def reach(
    environment: Mapping[str, str],
    table: Mapping[str, Any],
    secrets: Secrets,
    *,
    namespace: str | None = None,
) -> Reach:
    """From `[platform.kubernetes]` and the environment; reaches nobody. `namespace` goes before all that they say.

    Raises UsageError where there is no server, no token, no namespace, or a key that is not known.
    """
    known_keys(table, KEYS, "platform.kubernetes")
    directory = Path(environment.get("GATE_KUBERNETES_SERVICE_ACCOUNT") or ACCOUNT_DIRECTORY)
    found = namespace or _namespace(environment, table, directory)
    if text(table, "server", "platform.kubernetes"):
        return _told(environment, table, secrets, found)
    host = environment.get("KUBERNETES_SERVICE_HOST", "")
    if not host:
        raise UsageError(
            "this is no pod of a Kubernetes cluster, and [platform.kubernetes] names no server",
            remedy="set server, token and ca there: a kubeconfig is not read",
        )
    port = environment.get("KUBERNETES_SERVICE_PORT_HTTPS") or environment.get("KUBERNETES_SERVICE_PORT") or "443"
    if not (directory / "token").exists():
        raise UsageError(
            f"no service account token is mounted: {directory / 'token'} does not exist",
            remedy="set automountServiceAccountToken: true and serviceAccountName in the pod's spec",
        )
    return Reach(
        server=f"https://{f'[{host}]' if ':' in host else host}:{port}",
        namespace=name(found, "the namespace"),
        token_at=text(table, "token", "platform.kubernetes") or f"file:{directory / 'token'}",
        ca=text(table, "ca", "platform.kubernetes") or str(directory / "ca.crt"),
        pod=environment.get("POD_NAME") or environment.get("HOSTNAME") or "",
        is_in_cluster=True,
        environment=environment,
        secrets=secrets,
    )


def _told(environment: Mapping[str, str], table: Mapping[str, Any], secrets: Secrets, namespace: str) -> Reach:
    server, token = (text(table, key, "platform.kubernetes") for key in ("server", "token"))
    if not token:
        raise UsageError(
            "[platform.kubernetes] names a server and no token", remedy='write token = "env:NAME" or "file:PATH"'
        )
    parts = urlsplit(server)
    is_plain = parts.scheme == "http" and (parts.hostname or "") in _LOOPBACK
    if (
        parts.username
        or parts.password
        or parts.query
        or not parts.hostname
        or not (parts.scheme == "https" or is_plain)
    ):
        raise UsageError(
            "platform.kubernetes.server is no https:// address without a password and a query",
            remedy="write it as kubectl cluster-info prints it; http:// is for this machine alone",
        )
    return Reach(
        server=server.rstrip("/"),
        namespace=name(namespace, "the namespace"),
        token_at=token,
        ca=text(table, "ca", "platform.kubernetes") or None,
        pod=environment.get("POD_NAME") or "",
        is_in_cluster=bool(environment.get("KUBERNETES_SERVICE_HOST")),
        environment=environment,
        secrets=secrets,
    )


def _namespace(environment: Mapping[str, str], table: Mapping[str, Any], directory: Path) -> str:
    """As everywhere, a variable of gate's own goes before the file; then what the pod says of itself."""
    told = environment.get("GATE_KUBERNETES_NAMESPACE") or text(table, "namespace", "platform.kubernetes")
    told = told or environment.get("POD_NAMESPACE", "")
    if told:
        return told
    try:
        return (directory / "namespace").read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(
            "which namespace is meant is not told",
            remedy="set namespace in [platform.kubernetes], or GATE_KUBERNETES_NAMESPACE",
        ) from error


def known_keys(table: Mapping[str, Any], keys: tuple[str, ...], where: str) -> None:
    """Raises UsageError for a key that would do nothing."""
    for key in table:
        if key not in keys:
            near = get_close_matches(key, keys, 1)
            raise UsageError(
                f"{where}: unknown key {key!r}" + (f", did you mean {near[0]}" if near else ""),
                remedy=f"one of {', '.join(keys)}",
            )


def text(table: Mapping[str, Any], key: str, where: str) -> str:
    """The value, empty where there is none. Raises UsageError for what is no text."""
    value = table.get(key, "")
    if not isinstance(value, str):
        raise UsageError(f"{where}.{key} is no text", remedy=f'write {key} = "..."')
    return value.strip()


def name(value: str, what: str) -> str:
    """The name of an object, which goes into a path. Raises UsageError for what cannot be one."""
    if not _NAME.fullmatch(value):
        raise UsageError(f"{what} cannot be called {value!r}", remedy="lower case letters, digits, - and .")
    return value
