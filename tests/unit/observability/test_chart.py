"""What the chart carries of this package, and how a difference is found and mended."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from observability.chart import COPIED, FILES, drift, write

ROOT = Path(__file__).parents[3]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    for folder in {Path(pattern).parent for pattern in COPIED.values()} | {FILES}:
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


def test_the_chart_carries_what_the_repository_says() -> None:
    assert drift(ROOT) == []


@pytest.mark.parametrize("changed", ["alerts.yml", "added.yml"])
def test_a_change_on_either_side_is_named_and_mended(repository: Path, changed: str) -> None:
    (repository / "observability" / "rules" / changed).write_text("groups: []\n")
    assert drift(repository) == [FILES / "rules" / changed]
    write(repository)
    assert drift(repository) == []


def test_what_is_gone_from_the_repository_goes_from_the_chart(repository: Path) -> None:
    (repository / "observability" / "rules" / "alerts.yml").unlink()
    assert drift(repository) == [FILES / "rules" / "alerts.yml"]
    write(repository)
    assert drift(repository) == []
