"""A shop of one process: takes orders over real HTTP, keeps them in memory, ends them at once."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest


class Shop:
    """`upset(path, attempt)` may misbehave: return a status, or raise to drop the connection."""

    def __init__(self) -> None:
        self.orders: dict[str, str] = {}
        self.requests: list[str] = []
        self.cancelled: list[str] = []
        self.most_open = 0
        self.ended: set[str] = set()
        self.upset: Callable[[str, int], int | None] = lambda path, attempt: None
        self.keeps_open = False
        self._lock = threading.Lock()

    def place(self, key: str) -> str:
        with self._lock:
            order_id = self.orders.setdefault(key, f"order-{len(self.orders)}")
            self.most_open = max(self.most_open, len(self.orders) - len(self.ended))
        return order_id

    def rows(self, _query: bytes, _shape: type, ids: list[str]) -> list[SimpleNamespace]:
        """Stands for the database: whoever is asked about has ended."""
        known = [] if self.keeps_open else [each for each in self.orders.values() if each in ids]
        self.ended.update(known)
        return [SimpleNamespace(id=each) for each in known]

    def close(self) -> None:
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    shop: Shop

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        key = self.headers.get("Idempotency-Key", "")
        self.shop.requests.append(key or self.path)
        attempt = self.shop.requests.count(key or self.path)
        if self.path.endswith("/cancel"):
            self.shop.cancelled.append(self.path.split("/")[2])
            return self.reply(202, {})
        status = self.shop.upset(self.path, attempt)
        if status == 0:
            self.shop.place(key)
            self.close_connection = True
            return None
        if status is not None:
            return self.reply(status, {"title": "no"})
        answer = {"id": self.shop.place(key), "mode": "choreography", "epoch": 1}
        return self.reply(202, answer)

    def reply(self, status: int, body: dict[str, object]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def shop() -> Iterator[SimpleNamespace]:
    """`shop.url` is its address, `shop.books` the `Shop` itself."""
    books = Shop()
    handler = type("Handler", (Handler,), {"shop": books})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}", books=books)
    server.shutdown()
    server.server_close()
