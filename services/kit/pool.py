"""Connections for the HTTP handlers, which come and go with the requests."""

from __future__ import annotations

import psycopg
from psycopg_pool import ConnectionPool

from services.kit.connection import impatient, limit
from services.kit.settings import Settings

Pool = ConnectionPool[psycopg.Connection[tuple[object, ...]]]


def make_pool(settings: Settings, schema: str) -> Pool:
    return ConnectionPool(
        impatient(settings.database_url),
        kwargs={
            "autocommit": True,
            "application_name": f"{settings.instance} api",
            "options": f"-c search_path={schema}",
        },
        configure=limit,
        min_size=1,
        max_size=4,
        timeout=3.0,
        open=False,
        check=ConnectionPool.check_connection,
    )
