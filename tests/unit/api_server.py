"""An API server for `helm template --dry-run=server`: it knows what the chart is made of, and one
Coordination."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import groupby
from threading import Thread
from typing import Any

from tests.unit.rendering import Manifest

COORDINATIONS = "bandstand.dev/v1alpha1"
MISSING = {"kind": "Status", "status": "Failure", "reason": "NotFound", "code": 404}
Answers = dict[str, Any]


@contextmanager
def an_api_server(manifests: list[Manifest], spec: Manifest) -> Iterator[str]:
    """Its address; `spec` is the Coordination's."""
    kinds = {(each["apiVersion"], each["kind"]) for each in manifests}
    answers = _discovery(kinds | {(COORDINATIONS, "Coordination")})
    answers[f"/apis/{COORDINATIONS}/namespaces/default/coordinations/orders"] = {
        "apiVersion": COORDINATIONS,
        "kind": "Coordination",
        "metadata": {"name": "orders", "namespace": "default"},
        "spec": spec,
    }
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(answers)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _discovery(kinds: set[tuple[str, str]]) -> Answers:
    answers: Answers = {
        "/version": {"major": "1", "minor": "34", "gitVersion": "v1.34.0"},
        "/api": {"kind": "APIVersions", "versions": ["v1"]},
        "/apis": {"kind": "APIGroupList", "groups": []},
    }
    for version, found in groupby(sorted(kinds), key=lambda each: each[0]):
        resources = [
            {"name": f"{kind.lower()}s", "kind": kind, "namespaced": True, "verbs": ["get"]}
            for _, kind in found
        ]
        answer = {"kind": "APIResourceList", "groupVersion": version, "resources": resources}
        group, _, number = version.rpartition("/")
        answers[f"/apis/{version}" if group else f"/api/{version}"] = answer
        if group:
            served = {"groupVersion": version, "version": number}
            listed = {"name": group, "versions": [served], "preferredVersion": served}
            answers["/apis"]["groups"].append(listed)
    return answers


def _handler(answers: Answers) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = answers.get(self.path.partition("?")[0])
            body = json.dumps(answer or MISSING).encode()
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    return Handler
