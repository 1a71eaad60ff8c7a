"""The routes that every service has, and the application around them."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Body, Depends, FastAPI, Path, Response
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.types import Message as ASGIMessage

from services.kit import fault_store, problems
from services.kit.crash_points import Arming, CrashPoints, Point
from services.kit.faults import DEFAULT_DELAY_MS, Catalogue, Fault, Faults
from services.kit.message import Mode
from services.kit.metrics import CONTENT_TYPE, Metrics
from services.kit.pool import Pool
from services.kit.problems import Problem, documented
from services.kit.readiness import Readiness

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def _number(value: Any) -> Any:
    if isinstance(value, bool | str):
        raise ValueError("a number is needed")
    return value


NUMBER = BeforeValidator(_number)
NameInPath = Annotated[str, Path(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")]

_bearer = HTTPBearer(auto_error=False, description="BANDSTAND_TOKEN of the deployment")


class FaultRule(BaseModel):
    model_config = ConfigDict(extra="forbid")

    fault: Fault
    percent: Annotated[float, Field(ge=0, le=100), NUMBER]
    command: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    delay_ms: Annotated[int, Field(ge=0, le=60_000), NUMBER] = DEFAULT_DELAY_MS
    mode: Mode | None = None


class FaultCatalogue(BaseModel):
    """Which faults hit which share of which commands; no rules switches all off."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"seed": 7, "rules": [{"fault": "fail", "percent": 5}]},
                {"rules": []},
            ]
        },
    )

    seed: Annotated[int, Field(ge=-(2**63), lt=2**63), NUMBER] = 1
    rules: Annotated[list[FaultRule], Field(max_length=64)] = []


class CrashPoint(BaseModel):
    """Where this process is to kill itself, once."""

    model_config = ConfigDict(extra="forbid")

    point: Point
    mode: Mode
    kinds: frozenset[str]


class Alive(BaseModel):
    status: str = "alive"
    service: str
    instance: str
    incarnation: int


def require_token(token: str) -> Callable[..., None]:
    """A dependency that lets only the bearer of `token` through."""

    def check(
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> None:
        if not token:
            raise Problem(403, "not-enabled", "this deployment has no admin token")
        if given is None:
            challenge = {"WWW-Authenticate": "Bearer"}
            raise Problem(401, "token-missing", "a bearer token is needed", headers=challenge)
        if not hmac.compare_digest(given.credentials.encode(), token.encode()):
            raise Problem(403, "token-wrong", "this token does not open this door")

    return check


def make_app(
    name: str, summary: str, lifespan: Lifespan, metrics: Metrics, *routers: APIRouter
) -> FastAPI:
    app = FastAPI(
        title=f"bandstand {name}",
        summary=summary,
        version="0.3.0",
        lifespan=lifespan,
        separate_input_output_schemas=False,
    )
    problems.install(app)
    for router in routers:
        app.include_router(router)
    app.add_middleware(MeasuredRequests, metrics=metrics)
    return app


class MeasuredRequests:
    """Times each request by its route; plain ASGI, since this is on every order's way."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()

        async def measured(message: ASGIMessage) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                labels = (scope["method"], route, str(message["status"]))
                self._metrics.requests.labels(*labels).observe(time.perf_counter() - started)
            await send(message)

        await self._app(scope, receive, measured)


def common_routes(
    alive: Alive,
    readiness: Readiness,
    metrics: Metrics,
    faults: Faults,
    pool: Pool,
    token: str,
) -> APIRouter:
    router = APIRouter(tags=["operations"])
    admin = [Depends(require_token(token))]

    @router.get(
        "/healthz",
        responses=documented(503, about="It hangs, and should be started again"),
        summary="Is the process alive?",
    )
    async def healthz() -> Alive:
        if readiness.hung:
            raise Problem(503, "hung", "a worker has given no sign of life for minutes")
        return alive

    @router.get(
        "/readyz",
        summary="Can it do its job for its callers? And which of database and broker answer?",
        responses={503: {"description": "It cannot; why", "model": dict[str, str]}},
    )
    def readyz() -> dict[str, str]:
        """Once started, it can while the broker is away: what is to be told waits for it."""
        ready, answers = readiness()
        return answers if ready else JSONResponse(answers, 503)  # type: ignore[return-value]

    @router.get("/metrics", response_class=Response, include_in_schema=False)
    def exposition() -> Response:
        return Response(metrics.exposition(), media_type=CONTENT_TYPE)

    _add_faults(router, faults, pool, admin)
    _add_crash_point(router, faults.crash_points, admin)
    return router


def _add_faults(router: APIRouter, faults: Faults, pool: Pool, admin: list[Any]) -> None:
    @router.get("/faults", responses=documented(503), summary="The faults in force")
    def get_faults() -> FaultCatalogue:
        with pool.connection() as connection:
            return _shown(fault_store.read_catalogue(connection))

    @router.put(
        "/faults",
        dependencies=admin,
        responses=documented(401, 403, 422, 503),
        summary="Set the faults, for every replica",
    )
    def put_faults(catalogue: Annotated[FaultCatalogue, Body()]) -> FaultCatalogue:
        stored = msgspec.convert(catalogue.model_dump(mode="json"), Catalogue)
        with pool.connection() as connection:
            fault_store.write_catalogue(connection, stored)
        faults.catalogue = stored
        return _shown(stored)


def _add_crash_point(router: APIRouter, crash_points: CrashPoints, admin: list[Any]) -> None:
    """For `bandstand chaos` alone, and no part of the contract: nobody else wants this."""

    @router.put("/crash-point", status_code=204, dependencies=admin, include_in_schema=False)
    def arm(wish: CrashPoint) -> None:
        crash_points.armed = Arming(wish.point, wish.mode, wish.kinds)

    @router.delete("/crash-point", status_code=204, dependencies=admin, include_in_schema=False)
    def disarm() -> None:
        crash_points.armed = None


def _shown(catalogue: Catalogue) -> FaultCatalogue:
    values: dict[str, Any] = msgspec.to_builtins(catalogue)
    return FaultCatalogue.model_validate(values)
