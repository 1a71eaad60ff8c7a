"""JSON over HTTP, with every way to fail said in one word."""

from __future__ import annotations

from typing import Any, TypeVar

import httpx2
import msgspec

from coordination_operator.errors import Refused, Stale, Unavailable

Shape = TypeVar("Shape")

TIMEOUT_SECONDS = 5.0
CONNECT_SECONDS = 1.0
CONFLICT, UNPROCESSABLE = 409, 422


class Http:
    """Thread-safe; one connection pool."""

    def __init__(self, transport: httpx2.BaseTransport | None = None) -> None:
        timeout = httpx2.Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS)
        self._client = httpx2.Client(timeout=timeout, trust_env=False, transport=transport)

    def get(self, url: str, shape: type[Shape], **parameters: str) -> Shape:
        return self._ask(shape, "GET", url, params=parameters)

    def put(self, url: str, shape: type[Shape], body: Any, token: str) -> Shape:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return self._ask(shape, "PUT", url, content=msgspec.json.encode(body), headers=headers)

    def _ask(self, shape: type[Shape], method: str, url: str, **given: Any) -> Shape:
        try:
            response = self._client.request(method, url, **given)
            if response.status_code == CONFLICT:
                raise Stale(_reason(response))
            if response.status_code == UNPROCESSABLE:
                raise Refused(_reason(response))
            if response.is_error:
                raise Unavailable(f"{url} answers {response.status_code}: {_reason(response)}")
            return msgspec.json.decode(response.content, type=shape)
        except httpx2.TransportError as error:
            raise Unavailable(f"{url} does not answer: {error or type(error).__name__}") from error
        except msgspec.MsgspecError as error:
            raise Unavailable(f"{url} answers what cannot be read: {error}") from error


class _Problem(msgspec.Struct):
    """RFC 9457, and what Prometheus says."""

    title: str = ""
    detail: str = ""
    error: str = ""


def _reason(response: httpx2.Response) -> str:
    try:
        problem = msgspec.json.decode(response.content, type=_Problem)
    except msgspec.MsgspecError:
        return response.text[:200]
    return problem.detail or problem.error or problem.title
