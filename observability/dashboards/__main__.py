"""`python -m observability.dashboards write|check`, for the repository that it lies in."""

from __future__ import annotations

import sys
from pathlib import Path

from observability.dashboards.all import DASHBOARDS
from observability.dashboards.document import text

FOLDER = Path(__file__).parent


def documents() -> dict[Path, str]:
    return {
        FOLDER / f"{(each.uid or '').removeprefix('bandstand-')}.json": text(each)
        for each in DASHBOARDS
    }


def drift() -> list[Path]:
    new, there = documents(), set(FOLDER.glob("*.json"))
    return sorted(
        path
        for path in there | new.keys()
        if path not in there or path.read_text() != new.get(path)
    )


def main(arguments: list[str]) -> int:
    if arguments not in (["write"], ["check"]):
        print(__doc__, file=sys.stderr)
        return 2
    if arguments == ["write"]:
        for path, document in documents().items():
            path.write_text(document)
    problems = drift()
    for path in problems:
        print(f"{path.name} is not what the code says; write it anew", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
