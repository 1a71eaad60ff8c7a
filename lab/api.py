"""One service's HTTP API, for the few calls that steer and look (a load goes through `door`)."""

from typing import Any, Self, TypeVar

import httpx
import msgspec

from lab.errors import NotReadyError, RefusedError

Shape = TypeVar("Shape")

TIMEOUT_SECONDS = 10.0
NOT_FOUND = 404


class _Problem(msgspec.Struct):
    """RFC 9457, as far as a person wants to read it."""

    title: str = "no reason given"
    detail: str = ""


class ProblemError(RefusedError):
    """A service answered, and said no."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """Answers are checked against the shape that is asked for; a problem is a `ProblemError`."""

    def __init__(
        self,
        url: str,
        token: str | None = None,
        transport: httpx.BaseTransport | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._client = httpx.Client(
            base_url=url,
            timeout=timeout,
            headers={"Authorization": f"Bearer {token}"} if token else {},
            transport=transport,
            trust_env=False,
            verify=url.startswith("https:"),  # reading certificates takes 20 ms
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def get(self, path: str, shape: type[Shape]) -> Shape:
        return msgspec.json.decode(self._ask("GET", path).content, type=shape)

    def find(self, path: str, shape: type[Shape]) -> Shape | None:
        """None if the service does not know it."""
        response = self._ask("GET", path, unknown_is_fine=True)
        if response.status_code == NOT_FOUND:
            return None
        return msgspec.json.decode(response.content, type=shape)

    def text(self, path: str) -> str:
        return self._ask("GET", path).text

    def put(self, path: str, body: Any, shape: type[Shape]) -> Shape:
        return msgspec.json.decode(self._ask("PUT", path, body).content, type=shape)

    def tell(self, method: str, path: str, body: Any = None) -> None:
        """A call whose answer says nothing but that it was heard."""
        self._ask(method, path, body)

    def _ask(
        self, method: str, path: str, body: Any = None, *, unknown_is_fine: bool = False
    ) -> httpx.Response:
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if body is None else {"Content-Type": "application/json"}
        try:
            response = self._client.request(method, path, content=content, headers=headers)
        except httpx.TransportError as error:
            url = self._client.base_url.join(path)
            raise NotReadyError(f"{method} {url}: {error or type(error).__name__}") from error
        if response.is_error and not (unknown_is_fine and response.status_code == NOT_FOUND):
            raise _problem(method, response)
        return response


def _problem(method: str, response: httpx.Response) -> ProblemError:
    try:
        problem = msgspec.json.decode(response.content, type=_Problem)
    except msgspec.MsgspecError:
        problem = _Problem(response.text[:200])
    said = f"{problem.title}: {problem.detail}" if problem.detail else problem.title
    status = response.status_code
    return ProblemError(f"{method} {response.url}: {status} {said}", status)
