"""`python -m benchmarks.peers SYSTEM PROCESS`: one process of one system, until it is stopped."""

import sys
from importlib import import_module

MODULES = {
    "temporal": "temporal_saga",
    "dbos": "dbos_saga",
    "faststream": "faststream_saga",
    "floor": "floor",
}

if __name__ == "__main__":
    system, process = sys.argv[1:]
    import_module(f"benchmarks.peers.{MODULES[system]}").run(process)
