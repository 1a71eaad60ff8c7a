"""How the API server is reached: by a kubeconfig or a service account, over a real socket."""

import json
import logging
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import kopf
import pytest
import yaml
from lightkube.resources.core_v1 import ConfigMap

from coordination_operator import api_server
from coordination_operator.api_server import Connection, lenient, log_in, make_client


class StandIn(BaseHTTPRequestHandler):
    """Answers each request with what it was asked for."""

    def do_GET(self):
        data = {"path": self.path, "token": self.headers["Authorization"]}
        meta = {"name": "asked", "namespace": "shop"}
        body = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta, "data": data}
        text = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        """Quietly."""


@pytest.fixture
def kubeconfig(tmp_path, monkeypatch):
    server = ThreadingHTTPServer(("127.0.0.1", 0), StandIn)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me"}}],
        "clusters": [
            {"name": "here", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}
        ],
        "users": [{"name": "me", "user": {"token": "secret"}}],
    }
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(path))
    yield server
    server.shutdown()
    server.server_close()


def test_a_client_asks_in_its_namespace_with_its_token(kubeconfig):
    asked = make_client("shop").get(ConfigMap, "one").data
    assert asked == {"path": "/api/v1/namespaces/shop/configmaps/one", "token": "Bearer secret"}


def test_kopf_goes_where_the_kubeconfig_says(kubeconfig):
    found = log_in(settings=kopf.OperatorSettings(), logger=logging.getLogger(__name__))
    assert isinstance(found, Connection)
    assert found.server == f"http://127.0.0.1:{kubeconfig.server_port}"
    assert found.token == "secret"


def test_in_a_pod_the_service_account_comes_first(monkeypatch):
    for number, way in enumerate(("login_with_service_account", "login_with_kubeconfig")):
        found = api_server.kopf.ConnectionInfo(server=f"https://{number}")
        monkeypatch.setattr(api_server.kopf, way, lambda found=found, **_: found)
    assert log_in().server == "https://0"


def test_with_neither_nobody_is_logged_in(monkeypatch):
    for way in ("login_with_service_account", "login_with_kubeconfig"):
        monkeypatch.setattr(api_server.kopf, way, lambda **_: None)
    assert log_in() is None


def test_an_authority_need_not_name_its_usage_but_is_verified_all_the_same():
    context = ssl.create_default_context()
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    checked = lenient(context)
    assert not checked.verify_flags & ssl.VERIFY_X509_STRICT
    assert checked.verify_mode is ssl.CERT_REQUIRED
    assert checked.check_hostname
