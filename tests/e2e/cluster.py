"""A release of the chart in a namespace of its own, on whatever cluster kubectl talks to."""

import base64
import json
import os
import subprocess
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lab.cluster.kubectl import Kubectl
from lab.cluster.tunnel import Tunnel
from lab.stack.ports import Ports

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "bandstand"
PATIENCE = "10m"
STATEFUL = ("kafka", "postgres")
PARTS = {"grafana.enabled": "false"}  # its image is not to be had everywhere
KINDS = (
    "all,configmap,secret,serviceaccount,role,rolebinding,networkpolicy,poddisruptionbudget,lease"
)


def run(*command: str, check: bool = True) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def apply(namespace: str, *manifests: dict[str, Any]) -> None:
    command = ["kubectl", "--namespace", namespace, "apply", "--filename=-"]
    items = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests})
    subprocess.run(command, input=items, text=True, check=True, stdout=subprocess.DEVNULL)


@contextmanager
def restricted_namespace(prefix: str, enforced: bool = True) -> Iterator[str]:
    """Made for a test, and gone with it; the restricted Pod Security Standard is enforced there."""
    namespace = f"{prefix}-{uuid.uuid4().hex[:6]}"
    run("kubectl", "create", "namespace", namespace)
    try:
        for answer in ("enforce", "warn") if enforced else ():
            restricted = f"pod-security.kubernetes.io/{answer}=restricted"
            run("kubectl", "label", "namespace", namespace, restricted)
        yield namespace
    finally:
        run("kubectl", "delete", "namespace", namespace, "--timeout=120s", check=False)


class Release:
    """Its name is one that contains the chart's, so that resources are called after it alone."""

    name = "bandstand"

    def __init__(self, namespace: str, image: str, profile: str = "kind") -> None:
        self.namespace = namespace
        self._values = CHART / f"values-{profile}.yaml"
        self._repository, _, self._tag = image.rpartition(":")

    def kubectl(self, *arguments: str, check: bool = True) -> str:
        return run("kubectl", "--namespace", self.namespace, *arguments, check=check)

    def helm(self, *arguments: str) -> str:
        return run("helm", "--namespace", self.namespace, *arguments)

    def install(self, wait: bool = True, **values: object) -> None:
        """Or upgrade; returns when everything is ready, unless it need not wait for that."""
        image = {"repository": self._repository, "tag": self._tag}
        settings = [f"--set-string=image.{key}={value}" for key, value in image.items()]
        settings += [f"--set={key}={value}" for key, value in {**PARTS, **values}.items()]
        profile = f"--values={self._values}"
        waiting = ("--wait", f"--timeout={PATIENCE}") if wait else ()
        self.helm("upgrade", "--install", self.name, str(CHART), profile, *settings, *waiting)

    def uninstall(self) -> None:
        self.helm("uninstall", self.name, "--wait", f"--timeout={PATIENCE}")
        self.kubectl("wait", "pods", "--all", "--for=delete", f"--timeout={PATIENCE}")

    def items(self, kinds: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.kubectl("get", kinds, "--output=json"))[
            "items"
        ]
        return found

    def left(self) -> list[str]:
        """What belongs to the release; a namespace has an account and a certificate of its own."""
        ours = f"--selector=app.kubernetes.io/instance={self.name}"
        return self.kubectl("get", KINDS, ours, "--output=name").split()

    def restarts(self) -> dict[str, int]:
        return {
            pod["metadata"]["name"]: sum(
                status["restartCount"] for status in pod["status"].get("containerStatuses", ())
            )
            for pod in self.items("pods")
            if pod["status"]["phase"] != "Succeeded"
        }

    def pods_of(self, component: str) -> list[str]:
        chosen = f"--selector=app.kubernetes.io/component={component}"
        return self.kubectl("get", "pods", chosen, "--output=name").split()

    def metrics(self, pod: str) -> str:
        """Through the API server: a tunnel for each of many pods would take longer."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod}:8080/proxy/metrics"
        return self.kubectl("get", "--raw", path)

    def kill(self, component: str) -> None:
        """As abruptly as Kubernetes can: the next pod does not wait for the end of this one. Of two
        servers on one volume the first would write its farewell over what the second has written,
        so there it does wait; but no longer than a second."""
        force = ("--grace-period=1",) if component in STATEFUL else ("--grace-period=0", "--force")
        chosen = f"--selector=app.kubernetes.io/component={component}"
        self.kubectl("delete", "pods", chosen, "--ignore-not-found", *force)

    @contextmanager
    def without(self, server: str) -> Iterator[None]:
        """While Kafka or PostgreSQL has no pod: killed, and none takes its place."""
        place = f"statefulset/{self.name}-{server}"
        self.kubectl("scale", place, "--replicas=0")
        try:
            self.kill(server)
            yield
        finally:
            self.kubectl("scale", place, "--replicas=1")

    @contextmanager
    def scaled_away(self, component: str) -> Iterator[None]:
        """While a Deployment has no pod, after its last one has taken its leave."""
        place = f"deployment/{self.name}-{component}"
        self.kubectl("scale", place, "--replicas=0")
        try:
            pods = f"--selector=app.kubernetes.io/component={component}"
            self.kubectl("wait", "pods", pods, "--for=delete", f"--timeout={PATIENCE}")
            yield
        finally:
            self.kubectl("scale", place, "--replicas=1")
            self.settle()

    def await_all_unavailable(self, components: Iterable[str]) -> None:
        """Until no pod of them is sent any request."""
        places = [f"deployment/{self.name}-{component}" for component in components]
        away = ("--for=condition=Available=false", f"--timeout={PATIENCE}")
        self.kubectl("wait", *places, *away)

    def settle(self) -> None:
        """Until everything is there again."""
        for kind, state in (
            ("deployments", "condition=Available"),
            ("statefulsets", "jsonpath={.status.readyReplicas}=1"),
        ):
            if self.items(kind):
                self.kubectl("wait", kind, "--all", f"--for={state}", f"--timeout={PATIENCE}")

    def secret(self, name: str) -> dict[str, str]:
        found = json.loads(self.kubectl("get", "secret", f"{self.name}-{name}", "--output=json"))
        return {key: base64.b64decode(value).decode() for key, value in found["data"].items()}

    @contextmanager
    def tunnel(self, component: str, port: int) -> Iterator[Tunnel]:
        """To a component; opened again when the pod behind it is gone."""
        service = f"service/{self.name}-{component}"
        with Tunnel(Kubectl(self.namespace), service, port, Ports().take()) as tunnel:
            tunnel.await_open()
            yield tunnel

    @contextmanager
    def forward(self, component: str, port: int) -> Iterator[int]:
        """A local port that leads to it."""
        with self.tunnel(component, port) as tunnel:
            yield tunnel.local


def image_from_environment() -> str:
    return os.environ.get("BANDSTAND_IMAGE", "bandstand:dev")
