"""`python -m services.contracts write|check`, for the repository that it lies in.

Both end with 1, and `write` writes nothing, when a change breaks readers or clients of the
committed version. A break that is meant needs a new version: the major one, or the minor one
before 1.0.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from services.contracts.documents import Documents, breaks, committed, contracts, drift, tables

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    parser = argparse.ArgumentParser(prog="services.contracts", description=__doc__)
    parser.add_argument("action", choices=("write", "check"))
    parser.add_argument("--root", type=Path, default=ROOT, help="of the repository")
    given = parser.parse_args()
    return run(given.action, given.root)


def run(action: str, root: Path) -> int:
    old, new = committed(root), {**contracts(), **tables(root)}
    problems = list(breaks(old, new))
    if problems:
        problems.append("These changes break somebody; see CONTRIBUTING.md.")
    elif action == "check":
        problems = list(drift(old, new))
        problems += ["Run `make contracts` and look at what changed."] if problems else []
    else:
        write(root, old, new)
    print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
    return 1 if problems else 0


def write(root: Path, old: Documents, new: Documents) -> None:
    for path in old.keys() - new.keys():
        (root / path).unlink()
    for path, text in new.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)


if __name__ == "__main__":
    sys.exit(main())
