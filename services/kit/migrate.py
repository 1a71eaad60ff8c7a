"""Make a service's schema: idempotent, and safe when replicas start together."""

from __future__ import annotations

from pathlib import Path

import psycopg
from psycopg import sql

from services.kit.connection import Connection, configure, impatient

KIT_SCHEMA = Path(__file__).with_name("schema.sql")


def migrate(url: str, schema: str, *files: Path) -> Connection:
    """Return the connection, in the schema, for whatever else a service prepares."""
    connection = psycopg.connect(
        impatient(url), autocommit=True, application_name=f"{schema}-migrate"
    )
    configure(connection)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('bandstand-migrate'))")
        name = sql.Identifier(schema)
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(name))
        connection.execute(sql.SQL("SET search_path TO {}").format(name))
        for file in (KIT_SCHEMA, *files):
            connection.execute(file.read_text().encode())
    return connection


def count_start(connection: Connection, instance: str) -> int:
    """The number of this start; crashes by fault differ from one incarnation to the next."""
    row = connection.execute(
        """
        INSERT INTO incarnation (instance, starts) VALUES (%s, 1)
        ON CONFLICT (instance) DO UPDATE SET starts = incarnation.starts + 1
        RETURNING starts
        """,
        (instance,),
    ).fetchone()
    return int(row[0]) if row else 1
