"""What the documentation names exists: files, sections, tests, commands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command

from lab.cli import app

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(
    r"!?\[[^\]]*\]\((?P<target>[^)\s]+)\)|(?:src|srcset|href)=\"(?P<attribute>[^\"]+)\""
)
TEST = re.compile(r"`(test_\w+)`")
COMMAND = re.compile(r"(?:^\$ |`)bandstand (?P<name>[a-z][a-z-]*)", re.MULTILINE)
TARGET = re.compile(r"(?:^\$ |`)make (?P<name>[a-z][a-z0-9-]*)", re.MULTILINE)

EXCERPT = re.compile(r"^# ([\w/]+\.py)\n(.+?)(?=^# [\w/]+\.py$|^```$)", re.MULTILINE | re.DOTALL)


def each_page() -> pytest.MarkDecorator:
    return pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))


@each_page()
def test_links_lead_somewhere(page: Path) -> None:
    assert [target for target in links(page) if not exists(page, target)] == []


@each_page()
def test_named_tests_exist(page: Path) -> None:
    named = set(TEST.findall(page.read_text()))
    files = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    assert named <= all_tests() | files


@each_page()
def test_named_commands_exist(page: Path) -> None:
    text = page.read_text()
    commands = get_command(app).commands  # type: ignore[attr-defined]
    targets = re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(COMMAND.findall(text)) <= set(commands)
    assert set(TARGET.findall(text)) <= set(targets)


@each_page()
def test_excerpts_are_what_the_files_say(page: Path) -> None:
    for path, code in EXCERPT.findall(page.read_text()):
        assert code.strip() in (ROOT / path).read_text(), path


def links(page: Path) -> Iterator[str]:
    for match in LINK.finditer(page.read_text()):
        target = match["target"] or match["attribute"]
        if not re.match(r"[a-z]+:", target):
            yield target


def exists(page: Path, target: str) -> bool:
    name, _, section = target.partition("#")
    path = page.parent / name if name else page
    return path.exists() and (not section or section in sections(path))


def sections(page: Path) -> set[str]:
    """Headings as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def all_tests() -> set[str]:
    texts = (path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    return {name for text in texts for name in re.findall(r"def (test_\w+)", text)}
