"""The fault catalogue in the database: replicas agree on it, and it outlives its own crashes."""

from __future__ import annotations

from typing import Any

import msgspec

from services.kit.faults import Catalogue, Faults

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Catalogue).decode


def read_catalogue(connection: Any) -> Catalogue:
    row = connection.execute("SELECT catalogue FROM faults").fetchone()
    return _decode(row[0]) if row else Catalogue()


def write_catalogue(connection: Any, catalogue: Catalogue) -> None:
    connection.execute(
        """
        INSERT INTO faults (catalogue) VALUES (%s::jsonb)
        ON CONFLICT (only_row) DO UPDATE SET catalogue = EXCLUDED.catalogue
        """,
        (_encode(catalogue).decode(),),
    )


def refresh(faults: Faults, connection: Any) -> None:
    faults.catalogue = read_catalogue(connection)
