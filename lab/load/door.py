"""The shop's door: places one order, and keeps knocking while the shop is being restarted.

Blocking, for a pool of threads, on the standard library's client: a keep-alive request costs it
0.2 ms of CPU where httpx takes 0.9 to 1.7, which is as much as a whole saga and would make the
load generator the heaviest process of what it measures.
"""

import threading
import time
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

import msgspec

from lab.load.mix import Draft

PATIENCE_SECONDS = 60.0
TIMEOUT_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
ACCEPTED = 202


class Accepted(msgspec.Struct, frozen=True):
    """What the 202 says: only an order with one of these counts as accepted."""

    id: str
    mode: str
    epoch: int
    attempts: int = 1


class TurnedAwayError(Exception):
    """Not accepted: refused, or nobody opened within the patience (the order may exist then)."""


class Door:
    """Every request carries the same Idempotency-Key however often it is repeated, so that a
    request whose reply was lost is not an order placed twice."""

    def __init__(self, url: str, patience: float = PATIENCE_SECONDS) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "127.0.0.1", address.port or 80
        self._patience = patience
        self._local = threading.local()
        self._shut = threading.Event()

    def shut(self) -> None:
        """No order is sent and no request is repeated any more."""
        self._shut.set()

    def shut_within(self, seconds: float) -> bool:
        """Waits that long, or until it is shut."""
        return self._shut.wait(seconds)

    def place(self, draft: Draft, key: str) -> Accepted:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        status, body, attempts = self._knock("/orders", msgspec.json.encode(draft), headers)
        if status != ACCEPTED:
            raise TurnedAwayError(f"{status}: {body.decode(errors='replace')}")
        accepted = msgspec.json.decode(body, type=Accepted)
        return msgspec.structs.replace(accepted, attempts=attempts)

    def cancel(self, order_id: str) -> bool:
        """False: the order had ended before its customer changed their mind."""
        status, _, _ = self._knock(f"/orders/{order_id}/cancel", b"", {})
        return status == ACCEPTED

    def _knock(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes, int]:
        """The first answer that is not a failure of the server: status, body and attempts."""
        deadline = time.monotonic() + self._patience
        pause, attempts = FIRST_PAUSE_SECONDS, 0
        while True:
            attempts += 1
            answer = self._try(path, body, headers)
            if answer is not None and answer[0] < 500:
                return *answer, attempts
            if self.shut_within(pause) or time.monotonic() > deadline:
                raise TurnedAwayError(f"{path}: no answer but {answer} in {attempts} attempts")
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def _try(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes] | None:
        """None: no reply. A keep-alive connection that the server has closed ends here too."""
        try:
            connection = self._connection()
            connection.request("POST", path, body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, HTTPException):
            self._forget()
            return None

    def _connection(self) -> HTTPConnection:
        if (connection := getattr(self._local, "connection", None)) is None:
            connection = HTTPConnection(self._host, self._port, timeout=TIMEOUT_SECONDS)
            self._local.connection = connection
        return connection

    def _forget(self) -> None:
        if connection := getattr(self._local, "connection", None):
            connection.close()
            self._local.connection = None
