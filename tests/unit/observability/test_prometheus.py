"""Where a Prometheus comes from, and that nobody waits for one that does not come."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import ClassVar

import httpx
import msgspec
import pytest

from lab.errors import MissingError
from lab.panels import look
from observability import prometheus
from observability.prometheus import find_prometheus


def on_path(folder: Path, **programs: str) -> None:
    """Shell scripts of these names, and nothing else."""
    for name, script in programs.items():
        program = folder / name.replace("_", "-")
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All that can be found, with the shell by its full name; the cache is empty."""
    folder = tmp_path / "path"
    folder.mkdir()
    monkeypatch.setattr(
        prometheus, "which", lambda name: found if (found := folder / name).is_file() else None
    )
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("BANDSTAND_CACHE", str(tmp_path / "cache"))
    return folder


def test_what_is_installed_is_taken(path: Path) -> None:
    on_path(path, prometheus="exit 0", promtool="exit 0")
    assert find_prometheus().server == path / "prometheus"


def test_a_package_is_unpacked_once(path: Path) -> None:
    on_path(path, apt_get="touch prometheus_3.deb", dpkg_deb="mkdir -p package/usr/bin")
    found = find_prometheus()
    on_path(path, apt_get="exit 1")
    assert find_prometheus() == found


def test_a_download_that_takes_too_long_is_given_up(path: Path) -> None:
    on_path(path, apt_get="exec sleep 20", dpkg_deb="exit 0")
    began = time.monotonic()
    with pytest.raises(MissingError, match="too long"):
        find_prometheus(within_seconds=0.2)
    assert time.monotonic() - began < 10


def shown(meanwhile: Callable[[], object] = lambda: None) -> tuple[object, str]:
    """What a demo gets to show, and what it says."""
    said: list[str] = []
    stack = SimpleNamespace(services={}, home="")
    with look.looking_on(stack, said.append) as panels:  # type: ignore[arg-type]
        meanwhile()
        found = panels()
    return found, " ".join(said)


def test_a_demo_goes_on_without_one_and_says_so(path: Path) -> None:
    found, said = shown()
    assert found is None
    assert "without the dashboard's panels" in said


@pytest.mark.parametrize("script", ["echo a broken one; exit 1", "kill -9 $$"])
def test_one_that_does_not_start_costs_the_panels_only(path: Path, script: str) -> None:
    on_path(path, prometheus=script, promtool="exit 0")
    found, said = shown()
    assert found is None
    assert "without the dashboard's panels: Prometheus does not answer" in said
    assert ("a broken one" in said) == ("broken" in script)


def test_one_that_cannot_be_run_costs_the_panels_only(path: Path) -> None:
    on_path(path, prometheus="", promtool="exit 0")
    (path / "prometheus").write_bytes(b"\x7fELF and no more")
    assert shown()[0] is None


class Server:
    """Answers when the demo begins, and then as `failure` has it."""

    failure: ClassVar[Exception]

    def now(self) -> float:
        if asked := vars(self).get("asked"):
            raise asked
        self.asked = self.failure
        return 0.0


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ConnectError("gone"),
        httpx.ReadTimeout("slow"),
        ValueError({"status": "error"}),
        msgspec.ValidationError("another shape"),
        KeyError("status"),
    ],
    ids=lambda failure: type(failure).__name__,
)
def test_one_that_goes_away_costs_the_panels_only(
    path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    on_path(path, prometheus="exit 0", promtool="exit 0")
    monkeypatch.setattr(look, "serving", lambda *_, **__: nullcontext(Server()))
    monkeypatch.setattr(Server, "failure", failure, raising=False)
    found, said = shown()
    assert found is None
    assert str(failure) in said
