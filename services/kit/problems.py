"""RFC 9457 problem details for every error of every API.

`Problem` is the one error that routes raise; anything unexpected becomes `internal-error` and is
logged with its trace back.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from psycopg_pool import PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import Match

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
SAFE = ("GET", "HEAD")

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string", "example": "urn:bandstand:problem:unknown-order"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}


class Problem(Exception):
    """An answer other than success; `name` completes the type's URN."""

    def __init__(
        self,
        status: int,
        name: str,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail)
        self.status, self.name, self.detail = status, name, detail
        self.headers, self.extra = dict(headers or {}), extra


RETRY_AFTER: dict[str, Any] = {
    "Retry-After": {"description": "Seconds to wait before it", "schema": {"type": "string"}}
}


def documented(*statuses: int, about: str = "") -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can end in these problems."""
    return {
        status: {
            "description": about or HTTPStatus(status).phrase,
            "content": {MEDIA_TYPE: {"schema": SCHEMA}},
            **({"headers": RETRY_AFTER} if status == HTTPStatus.SERVICE_UNAVAILABLE else {}),
        }
        for status in statuses
    }


def install(app: FastAPI) -> None:
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for away in (psycopg.OperationalError, psycopg.InterfaceError, PoolTimeout):
        app.add_exception_handler(away, _away)
    app.add_exception_handler(Exception, _unexpected)


def answer(
    status: int, name: str, detail: str, headers: Mapping[str, str] | None = None, **extra: Any
) -> JSONResponse:
    body = {
        "type": f"urn:bandstand:problem:{name}",
        "title": name.replace("-", " "),
        "status": status,
        "detail": detail,
        **extra,
    }
    return JSONResponse(body, status, dict(headers or {}), MEDIA_TYPE)


async def _problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Problem)
    return answer(error.status, error.name, error.detail, error.headers, **error.extra)


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"where": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()
    ]
    first = errors[0] if errors else {"where": "request", "message": "invalid"}
    detail = f"{first['where']}: {first['message']}"
    return answer(422, "invalid-request", detail, errors=errors)


async def _http(request: Request, error: Exception) -> JSONResponse:
    """The framework's own errors. A 400 is a body that is no text; broken JSON in one that is
    comes as a validation error, and who sent either is told the same."""
    assert isinstance(error, HTTPException)
    status, headers = HTTPStatus(error.status_code), dict(error.headers or {})
    if status is HTTPStatus.BAD_REQUEST:
        where = [{"where": "body", "message": str(error.detail)}]
        return answer(422, "invalid-request", f"body: {error.detail}", errors=where)
    if status is HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed(request))
    name = status.phrase.lower().replace(" ", "-")
    return answer(status, name, str(error.detail), headers)


def _allowed(request: Request) -> list[str]:
    """By all routes of this path; the framework tells the first one's methods only."""
    return [
        method
        for method in METHODS
        if any(
            route.matches({**request.scope, "method": method})[0] is Match.FULL
            for route in request.app.routes
        )
    ]


async def _away(request: Request, error: Exception) -> JSONResponse:
    """A connection may be lost after a COMMIT was sent: then all is done, and nobody was told."""
    log.warning("the database does not answer: %s", str(error).strip())
    detail = "the database does not answer"
    if request.method not in SAFE:
        detail += "; it is not known whether this was done"
    return answer(503, "database-unavailable", detail, {"Retry-After": "1"})


async def _unexpected(_: Request, error: Exception) -> JSONResponse:
    log.exception("unexpected", exc_info=error)
    return answer(500, "internal-error", "an unexpected error; it was logged")
