"""kubectl, and what it complains about as errors of ours."""

import subprocess
from typing import Any

import msgspec

from lab.errors import BandstandError, MissingError, NotReadyError, RefusedError

PROGRAM = "kubectl"
TIMEOUT_SECONDS = 30.0
HUNG_SECONDS = (
    45.0  # an `exec` knows no timeout of its own, and its stream may say nothing any more
)
REASONS = ("error: ", "Error from server", "Unable to connect to the server")
REFUSED = ("(forbidden)", "is forbidden", "unauthorized", "must be logged in")
UNREACHABLE = (
    "unable to connect to the server",
    "was refused",
    "i/o timeout",
    "no configuration has been provided",
    "invalid configuration",
    "does not exist",
    "tls handshake timeout",
)


class UnknownError(BandstandError):
    """The cluster does not have what was asked for."""


class Kubectl:
    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def command(self, *arguments: str) -> list[str]:
        return [PROGRAM, f"--namespace={self.namespace}", *arguments]

    def get(self, *arguments: str) -> Any:
        """Whatever `kubectl get` finds, as it is in the API."""
        return msgspec.json.decode(self._run("get", *arguments, "--output=json"))

    def run_in(self, pod: str, program: str) -> str:
        """What a shell in its first container makes of it."""
        return self._run("exec", pod, "--", "sh", "-c", program).decode()

    def _run(self, *arguments: str) -> bytes:
        try:
            done = subprocess.run(  # noqa: S603 - found on PATH
                self.command(f"--request-timeout={TIMEOUT_SECONDS:.0f}s", *arguments),
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
                timeout=HUNG_SECONDS,
            )
        except FileNotFoundError as error:
            raise no_kubectl() from error
        except subprocess.TimeoutExpired as error:
            said = f"kubectl {arguments[0]} gave no answer within {HUNG_SECONDS:.0f} s"
            raise NotReadyError(said) from error
        if done.returncode != 0:
            raise complaint(done.stderr.decode(errors="replace"))
        return done.stdout


def no_kubectl() -> MissingError:
    return MissingError("kubectl is not on the PATH: https://kubernetes.io/docs/tasks/tools/")


def complaint(said: str) -> BandstandError:
    reason = _reason(said)
    if any(words in reason.lower() for words in REFUSED):
        return RefusedError(f"the cluster does not permit it: {reason}")
    if any(words in reason.lower() for words in UNREACHABLE):
        return NotReadyError(f"no cluster answers: {reason}")
    if "(NotFound)" in reason or " not found" in reason:
        return UnknownError(f"the cluster says: {reason}")
    return BandstandError(f"kubectl says: {reason}")


def _reason(said: str) -> str:
    """The line that begins like one, since advice may follow it; or else the last, since warnings
    and retries come before it."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1] if lines else "it gave no reason"
    reason = next((line for line in lines if line.startswith(REASONS)), last)
    return reason.removeprefix("error: ")
