"""How a served process ends when it is asked to."""

from __future__ import annotations

import signal
from types import FrameType

import uvicorn


def end_by_request(server: uvicorn.Server) -> None:
    """uvicorn stops gracefully and then sends itself the signal again, which must not decide how
    the process ends: who was asked to stop and did so has succeeded."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, ask)
