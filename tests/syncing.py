"""skaffold.yaml's rules for files that change, as Skaffold follows them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


def skaffold() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "skaffold.yaml").read_text())
    return loaded


def destinations() -> dict[str, str]:
    """Where in a container each file of the repository goes that is copied and not built in."""
    return {
        file: f"{rule['dest']}/{file.removeprefix(rule.get('strip', ''))}"
        for rule in _sync()["manual"]
        for file in (str(path.relative_to(ROOT)) for path in ROOT.glob(rule["src"]))
    }


def commands_after() -> list[list[str]]:
    """That run in each container to which something was copied."""
    return [hook["container"]["command"] for hook in _sync()["hooks"]["after"]]


def _sync() -> dict[str, Any]:
    (artifact,) = skaffold()["build"]["artifacts"]
    sync: dict[str, Any] = artifact["sync"]
    return sync
