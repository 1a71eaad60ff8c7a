"""`python -m observability.chart write|check`: what the chart carries of this package.

Helm reads files below the chart alone, so they lie there a second time, and never differ.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COPIED = {
    "rules": "observability/rules/*.yml",
    "collector": "observability/collector/*.yaml",
    "dashboards": "observability/dashboards/*.json",
}
FILES = Path("charts/bandstand/files")


def copies(root: Path) -> dict[Path, str]:
    """What must lie in the chart, by its place below the root."""
    return {
        FILES / folder / source.name: source.read_text()
        for folder, pattern in COPIED.items()
        for source in sorted(root.glob(pattern))
    }


def drift(root: Path) -> list[Path]:
    wanted = copies(root)
    there = {
        path.relative_to(root): path.read_text()
        for folder in COPIED
        for path in (root / FILES / folder).glob("*")
    }
    return sorted(
        path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path)
    )


def write(root: Path) -> None:
    wanted = copies(root)
    for path in drift(root):
        if path in wanted:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(wanted[path])
        else:
            (root / path).unlink()


def main(arguments: list[str]) -> int:
    if arguments not in (["write"], ["check"]):
        print(__doc__, file=sys.stderr)
        return 2
    if arguments == ["write"]:
        write(ROOT)
    problems = drift(ROOT)
    for path in problems:
        print(f"{path} is not what it copies; run `make chart`", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
