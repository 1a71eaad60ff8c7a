"""The API server's answers, in the words of `errors.py`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx2

from coordination_operator.errors import Stale, Unavailable

GONE, CONFLICT = 404, 409


class Gone(Exception):
    """The object is no longer there."""


class Replaced(Gone):
    """Another one has its name, and knows nothing of it."""


@contextmanager
def asking_the_api(gone: type[Exception] = Gone) -> Iterator[None]:
    """`gone` is for what must be there: that it is not is something else than an object's end.
    Without its definition an object is gone, too; that answer is no JSON."""
    try:
        yield
    except httpx2.HTTPStatusError as error:
        if error.response.status_code == CONFLICT:
            raise Stale(str(error)) from error
        if error.response.status_code == GONE:
            raise gone(str(error)) from error
        raise Unavailable(f"the API server: {error}") from error
    except httpx2.HTTPError as error:
        raise Unavailable(f"the API server does not answer: {error}") from error
