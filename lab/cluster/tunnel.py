"""A `kubectl port-forward` that is there for as long as it is needed, whatever pod is behind it."""

import subprocess
import threading
import time
from collections import deque

from lab.cluster.kubectl import Kubectl, complaint, no_kubectl
from lab.errors import BandstandError, NotReadyError, RefusedError
from lab.stack.ports import LOOPBACK

PATIENCE_SECONDS = 30.0
PAUSE_SECONDS = 0.3
STOP_SECONDS = 3.0


class Tunnel:
    """From a local port that never changes. kubectl ends when its pod does, and is started again.

    In a session of its own: a terminal's Ctrl-C goes to all that run in it, and the command that
    is interrupted still has to ask what became of its orders.
    """

    def __init__(self, kubectl: Kubectl, place: str, port: int, local: int) -> None:
        """To a `service/` or a `pod/`."""
        self.local = local
        self._place = place
        self._command = kubectl.command(
            "port-forward", place, f"{local}:{port}", f"--address={LOOPBACK}"
        )
        self._open = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._reason: BandstandError | None = None
        self._thread = threading.Thread(target=self._keep, name=f"to {place}", daemon=True)

    def __enter__(self) -> "Tunnel":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._stopping.set()
            if self._process is not None:
                self._process.terminate()
        self._thread.join(STOP_SECONDS)

    def await_open(self, patience: float = PATIENCE_SECONDS) -> None:
        """A tunnel that is not permitted is not waited for."""
        deadline = time.monotonic() + patience
        while not self._open.wait(PAUSE_SECONDS):
            if not self._thread.is_alive() and self._reason:
                raise self._reason
            if time.monotonic() > deadline:
                raise NotReadyError(f"no tunnel to {self._place}: {self._reason or 'no answer'}")

    def renew(self) -> None:
        """For whoever gets no answer: kubectl may go on running though nothing gets through it any
        more, and is started again once it has ended."""
        with self._lock:
            if self._process is not None:
                self._process.terminate()

    def _keep(self) -> None:
        while not self._stopping.is_set():
            try:
                self._reason = self._run()
            except FileNotFoundError:
                self._reason = no_kubectl()
                return
            if isinstance(self._reason, RefusedError):
                return
            self._stopping.wait(PAUSE_SECONDS)

    def _run(self) -> BandstandError | None:
        """Until it ends; why, if it never opened."""
        with self._lock:
            if self._stopping.is_set():
                return None
            process = self._process = subprocess.Popen(  # noqa: S603 - found on PATH
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        with process:
            assert process.stdout
            assert process.stderr
            if process.stdout.readline():
                self._open.set()
            chatter = threading.Thread(target=deque, args=(process.stdout, 0), daemon=True)
            chatter.start()
            said = process.stderr.read().decode(errors="replace")
            chatter.join()
        return complaint(said) if said and not self._open.is_set() else None
