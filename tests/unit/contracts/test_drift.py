"""What is committed is what the code says, unless that would break somebody."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from services.contracts import documents
from services.contracts.__main__ import ROOT, run
from services.contracts.tables import renewed

Document = dict[str, Any]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for folder in ("contracts", "docs"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def test_the_committed_documents_are_what_the_code_says() -> None:
    assert run("check", ROOT) == 0


def test_drift_is_told_and_written_away(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message = checkout / "contracts/messages/StockShipped.json"
    message.write_text(message.read_text().replace("order_id", "order"))
    stray = checkout / "contracts/messages/StockLost.json"
    stray.write_text("{}")
    table = checkout / "docs/metrics.md"
    table.write_text(table.read_text().replace("Orders admitted", "Orders"))

    assert run("check", checkout) == 1
    told = capsys.readouterr().err
    assert all(name in told for name in ("StockShipped.json", "StockLost.json", "metrics.md"))

    assert run("write", checkout) == 0
    assert run("check", checkout) == 0
    assert not stray.exists()


def test_a_break_is_neither_written_nor_accepted(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = checkout / documents.ASYNCAPI
    before = change_committed(path, with_another_required_field)

    assert run("write", checkout) == 1
    assert run("check", checkout) == 1
    assert "StockShipped payload.shelf: was required and is gone" in capsys.readouterr().err
    assert path.read_text() == before


def test_a_break_in_an_api_is_not_accepted(
    checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def add_an_operation(document: Document) -> None:
        document["paths"]["/refunds"] = {"post": {"responses": {}}}

    change_committed(checkout / documents.OPENAPI / "payment.json", add_an_operation)

    assert run("check", checkout) == 1
    assert "payment: POST /refunds: the operation is gone" in capsys.readouterr().err


def test_a_break_under_a_new_version_is_written(checkout: Path) -> None:
    def of_an_older_version(document: Document) -> None:
        with_another_required_field(document)
        document["info"]["version"] = "0.0.9"

    change_committed(checkout / documents.ASYNCAPI, of_an_older_version)

    assert run("write", checkout) == 0
    assert run("check", checkout) == 0


def change_committed(path: Path, change: Callable[[Document], None]) -> str:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
    return path.read_text()


def with_another_required_field(document: Document) -> None:
    shipped = document["components"]["schemas"]["StockShipped"]
    shipped["properties"]["shelf"] = {"type": "string"}
    shipped["required"].append("shelf")


def test_the_generator_runs_as_a_module_from_anywhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "services.contracts", "check"]
    assert subprocess.run(command, cwd=tmp_path, check=False).returncode == 0


def test_a_page_without_its_markers_is_refused() -> None:
    with pytest.raises(ValueError, match="markers of 'metrics'"):
        renewed("# Metrics\n", "metrics", "| table |\n")
