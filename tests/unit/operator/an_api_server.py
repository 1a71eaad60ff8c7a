"""An API server in memory, as far as the operator goes: versions, merge patches, refusals."""

import copy
from collections import Counter

import httpx2
import msgspec
from lightkube import Client, KubeConfig
from lightkube.config.models import Cluster, User

from coordination_operator.resources import GROUP, VERSION

NAMESPACE = "shop"
COORDINATIONS = f"/apis/{GROUP}/{VERSION}/namespaces/{NAMESPACE}/coordinations"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
EVENTS = f"/api/v1/namespaces/{NAMESPACE}/events"
SUBRESOURCES = ("status", "scale")


class ApiServer:
    """`trouble` is what becomes of the next requests to a path: a code, an exception, or the
    text of a page that is not found."""

    def __init__(self):
        self.objects, self.trouble, self.asked = {}, {}, Counter()
        self.interferes = None
        self._version = 0
        self._verbs = {
            "GET": self._get, "POST": self._post, "PUT": self._put, "PATCH": self._patch,
        }  # fmt: skip

    def client(self):
        config = KubeConfig.from_one(cluster=Cluster("http://api"), user=User())
        return Client(config, namespace=NAMESPACE, transport=httpx2.MockTransport(self.answer))

    def put(self, folder, name, kind, api, **content):
        meta = {"name": name, "namespace": NAMESPACE, "uid": f"uid-{name}", "generation": 1}
        body = {"apiVersion": api, "kind": kind, **content}
        body["metadata"] = {**meta, **content.get("metadata", {})}
        self._store(f"{folder}/{name}", body)

    def put_coordination(self, spec, **meta):
        api = f"{GROUP}/{VERSION}"
        self.put(COORDINATIONS, "orders", "Coordination", api, spec=spec, metadata=meta)

    def put_deployment(self, replicas, ready=0, generation=1, seen=1):
        """`seen`: the generation that the status is of."""
        status = {"replicas": replicas, "readyReplicas": ready, "observedGeneration": seen}
        selector = {"matchLabels": {}}
        template = {"spec": {"containers": []}}
        spec = {"replicas": replicas, "selector": selector, "template": template}
        self.put(
            DEPLOYMENTS,
            "conductor",
            "Deployment",
            "apps/v1",
            spec=spec,
            status=status,
            metadata={"generation": generation},
        )

    def put_lease(self):
        self.put(LEASES, "operator", "Lease", "coordination.k8s.io/v1")

    def events(self):
        found = [each for path, each in self.objects.items() if path.startswith(EVENTS)]
        return [(each["reason"], each["message"], each["count"]) for each in found]

    def answer(self, request):
        path = request.url.path
        self.asked[request.method, path] += 1
        if (trouble := self.trouble.get(path)) is not None:
            if isinstance(trouble, Exception):
                raise trouble
            if isinstance(trouble, str):
                return httpx2.Response(404, text=trouble)
            return self._refuse(trouble)
        body = msgspec.json.decode(request.content) if request.content else None
        answered = self._verbs[request.method](path, body)
        if request.method == "GET" and self.interferes:
            interferes, self.interferes = self.interferes, None
            interferes()
        return answered

    def _get(self, path, _):
        if path not in self.objects:
            return self._refuse(404)
        return httpx2.Response(200, json=self.objects[path])

    def _post(self, path, body):
        name = f"{path}/{body['metadata']['name']}"
        return self._refuse(409) if name in self.objects else self._store(name, body)

    def _put(self, path, body):
        return self._changed(path, body, lambda _: body)

    def _patch(self, path, body):
        name, _, last = path.rpartition("/")
        path = name if last in SUBRESOURCES else path
        return self._changed(path, body, lambda before: merged(before, body))

    def _changed(self, path, body, change):
        if path not in self.objects:
            return self._refuse(404)
        before = self.objects[path]
        wanted = body.get("metadata", {}).get("resourceVersion")
        if wanted not in (None, before["metadata"]["resourceVersion"]):
            return self._refuse(409)
        return self._store(path, change(before))

    def _store(self, path, body):
        self._version += 1
        body = copy.deepcopy(body)
        body["metadata"]["resourceVersion"] = str(self._version)
        self.objects[path] = body
        return httpx2.Response(200, json=body)

    def _refuse(self, code):
        return httpx2.Response(code, json={"kind": "Status", "code": code, "message": f"a {code}"})


def merged(before, patch):
    """As RFC 7386 has it: null takes away."""
    if not isinstance(patch, dict) or not isinstance(before, dict):
        return patch
    after = {key: value for key, value in before.items() if key not in patch}
    for key, value in patch.items():
        if value is not None:
            after[key] = merged(before.get(key, {}), value) if isinstance(value, dict) else value
    return after
