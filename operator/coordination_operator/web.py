"""What the operator answers over HTTP: probes and Prometheus, and the API server, each on a port.

Every replica answers, whether it acts or stands by.
"""

from __future__ import annotations

import logging
import ssl
import threading
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Response
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST, generate_latest

from coordination_operator.telemetry import Health, Metrics

log = logging.getLogger(__name__)

STOP_SECONDS = 5.0
LOOK_SECONDS = 30.0
KEY, CERTIFICATE = "tls.key", "tls.crt"


def about_itself(metrics: Metrics, health: Health) -> FastAPI:
    """A standby is ready, too: it could take over."""
    app = FastAPI(title="bandstand operator", openapi_url=None)

    @app.get("/metrics")
    def exposition() -> Response:
        body: bytes = generate_latest(metrics.registry)  # type: ignore[no-untyped-call]
        return Response(body, headers={"Content-Type": CONTENT_TYPE_LATEST})

    @app.get("/healthz")
    @app.get("/readyz")
    def healthz(response: Response) -> dict[str, object]:
        response.status_code = 200 if health.alive else 503
        return {"status": "alive" if health.alive else "stalled", "leading": health.leading}

    return app


class Server:
    """In a thread of its own; its port is taken when it is made, so that a failure is noticed, and
    who calls from then on waits until it answers."""

    def __init__(self, app: FastAPI, port: int, certificate: Path | None = None) -> None:
        """Over TLS with the `tls.key` and `tls.crt` of a folder, also when they are renewed there;
        without one in plain text."""
        config = uvicorn.Config(
            app,
            host="0.0.0.0",  # noqa: S104 - a pod's
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=1,
            ssl_keyfile=certificate and certificate / KEY,
            ssl_certfile=certificate and certificate / CERTIFICATE,
        )
        config.load()
        self._closing = threading.Event()
        self._server = uvicorn.Server(config)
        self._socket = config.bind_socket()
        self._socket.listen()
        self.port: int = self._socket.getsockname()[1]
        sockets = {"sockets": [self._socket]}
        self._thread = threading.Thread(
            target=self._server.run, kwargs=sockets, name=f"http {self.port}", daemon=True
        )
        self._thread.start()
        if certificate is not None:
            assert config.ssl is not None
            arguments = (config.ssl, certificate)
            threading.Thread(target=self._renew, args=arguments, name="tls", daemon=True).start()

    def _renew(self, context: ssl.SSLContext, certificate: Path) -> None:
        """New connections are shown what is in the folder now; one that lags behind the other is
        looked at again."""
        shown = _content(certificate)
        while not self._closing.wait(LOOK_SECONDS):
            if (there := _content(certificate)) == shown:
                continue
            try:
                context.load_cert_chain(certificate / CERTIFICATE, certificate / KEY)
                shown = there
            except (OSError, ssl.SSLError) as error:
                log.warning("the certificate in %s cannot be used yet: %s", certificate, error)

    def close(self) -> None:
        self._closing.set()
        self._server.should_exit = True
        self._thread.join(STOP_SECONDS)
        self._socket.close()


def _content(certificate: Path) -> list[bytes]:
    """Empty while a file is not there."""
    try:
        return [(certificate / name).read_bytes() for name in (CERTIFICATE, KEY)]
    except OSError:
        return []
