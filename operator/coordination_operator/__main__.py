"""`python -m coordination_operator`: look after one namespace's Coordination and Policies."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from types import FrameType

import kopf

from coordination_operator.api_server import make_client
from coordination_operator.bootstrap import Operator
from coordination_operator.handlers import make_registry
from coordination_operator.settings import Settings, SettingsError, load_settings
from coordination_operator.telemetry import JsonLines


def main() -> int:
    try:
        settings = load_settings()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    _log(settings)
    signal.signal(signal.SIGTERM, _leave)
    operator = Operator(settings, make_client(settings.namespace))
    operator.await_turn()
    over, failed = threading.Event(), threading.Event()

    def fail() -> None:
        failed.set()
        over.set()

    try:
        operator.keep_tenure(fail)
        kopf.run(
            registry=make_registry(
                operator.reconcile,
                operator.reconcile_policies,
                fail,
                over.set,
                operator.health.beat,
            ),
            standalone=True,
            # kopf would make one of the name of the user, and in the image that has none.
            identity=settings.identity,  # type: ignore[arg-type]
            namespaces=[settings.namespace],
            stop_flag=over,
        )
    finally:
        operator.close()
    return 1 if failed.is_set() else 0


def _leave(_number: int, _frame: FrameType | None) -> None:
    """While waiting; later kopf has a handler of its own."""
    sys.exit(0)


def _log(settings: Settings) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    for chatty in ("httpx2", "kopf.objects"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


if __name__ == "__main__":
    sys.exit(main())
