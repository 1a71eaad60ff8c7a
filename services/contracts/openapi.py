"""Each service's HTTP API, asked of its application without starting anything."""

from __future__ import annotations

import importlib
from typing import Any

from services.kit.bootstrap import Process
from services.kit.service import Service
from services.kit.settings import Settings


def openapi(service: str) -> dict[str, Any]:
    """A process that is not served opens no connection and starts no thread."""
    package = service.replace("-", "_")
    found: Service = importlib.import_module(f"services.{package}.service").SERVICE
    process = Process(found, Settings(database_url="", kafka=""))
    return process.app().openapi()
