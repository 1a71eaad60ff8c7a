"""Which requests change something, and which of them only the bearer of the token may make."""

import importlib
from collections.abc import Iterator
from typing import Any, NamedTuple

from fastapi.routing import APIRoute

from services.kit.bootstrap import Process
from services.kit.settings import Settings

LOOKING = {"GET", "HEAD"}


class Door(NamedTuple):
    method: str
    path: str
    guarded: bool


def doors(service: str) -> list[Door]:
    module = importlib.import_module(f"services.{service.replace('-', '_')}.service")
    app = Process(module.SERVICE, Settings(database_url="", kafka="")).app()
    return [
        Door(method, route.path, _is_guarded(route))
        for route in _routes(app)
        for method in sorted((route.methods or set()) - LOOKING)
    ]


def _routes(found: Any) -> Iterator[APIRoute]:
    """Also of the routers that were included."""
    for route in found.routes:
        if isinstance(route, APIRoute):
            yield route
        elif inner := getattr(route, "original_router", None):
            yield from _routes(inner)


def _is_guarded(route: APIRoute) -> bool:
    asked = [each.call.__qualname__ for each in route.dependant.dependencies if each.call]
    return any(name.startswith("require_token.") for name in asked)
