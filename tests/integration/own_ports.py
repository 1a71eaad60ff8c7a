"""Each of pytest's workers draws from ports of its own: one that was found free is bound seconds
later, and until then the other worker finds it free as well."""

import os

from lab.stack import ports


def keep_to_own_ports() -> None:
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ports.ANY = ports.ANY[number::workers]
