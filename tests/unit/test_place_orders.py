"""What `helm test` runs in a release, against an order service of the test's own."""

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCRIPT = Path("charts/bandstand/files/place_orders.py")
CONFIRMED, TIMED_OUT, DECLINED = (
    ("confirmed", None),
    ("rejected", "timed_out"),
    ("rejected", "card"),
)
MODES = ("choreography", "orchestration")


class Desk:
    """Orders go to the modes in turns, and end as `ends` says, the last of them for ever."""

    def __init__(self):
        self.ends = [CONFIRMED]
        self.route = {"mode": "orchestration", "weight": 100, "epoch": 1}
        self.placed = 0

    def answer(self, method, path, body):
        if path == "/coordination":
            return self._routed(body) if method == "PUT" else self.route
        if method == "POST":
            self.placed += 1
            return {"id": self.placed, "mode": MODES[self.placed % 2]}
        number = int(path.rpartition("/")[2])
        status, reason = self.ends[min(number, len(self.ends)) - 1]
        return {"status": status, "reason": reason, "timeline": []}

    def _routed(self, asked):
        assert asked["epoch"] == self.route["epoch"]
        self.route = {**asked, "epoch": asked["epoch"] + 1}
        return self.route


@pytest.fixture
def desk():
    desk = Desk()

    class Handler(BaseHTTPRequestHandler):
        def _answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found = desk.answer(self.command, self.path, json.loads(body or "null"))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(json.dumps(found).encode())

        do_GET = do_POST = do_PUT = _answer  # noqa: N815

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        desk.url = f"http://127.0.0.1:{server.server_port}"
        yield desk
        server.shutdown()


def helm_test(desk):
    found = subprocess.run(
        [sys.executable, SCRIPT, desk.url],
        env={**os.environ, "BANDSTAND_TOKEN": "t"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (desk.route["mode"], desk.route["weight"]) == ("orchestration", 100)
    return found.returncode, found.stdout + found.stderr


def test_an_order_in_each_mode_is_confirmed(desk):
    code, said = helm_test(desk)
    assert code == 0
    assert desk.placed == 2
    assert {line.split(":")[0] for line in said.splitlines()} == set(MODES)


def test_what_times_out_on_a_cold_release_is_placed_again_and_said(desk):
    desk.ends = [TIMED_OUT, CONFIRMED, TIMED_OUT, TIMED_OUT, CONFIRMED]
    code, said = helm_test(desk)
    assert code == 0
    assert desk.placed == 6
    assert said.count("timed out") == 3
    assert said.count("placing orders again") == 2


def test_what_always_times_out_is_a_failure(desk):
    desk.ends = [TIMED_OUT]
    code, said = helm_test(desk)
    assert code == 1
    assert "orders timed out 4 times" in said


def test_what_is_rejected_for_anything_else_is_a_failure_at_once(desk):
    desk.ends = [CONFIRMED, DECLINED]
    code, said = helm_test(desk)
    assert code == 1
    assert desk.placed == 2
    assert "rejected, card" in said
