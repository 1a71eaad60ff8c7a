"""`python -m services NAME`: run one service until it is told to stop."""

from __future__ import annotations

import argparse
import gc
import importlib
import logging
import os
import sys

import msgspec

from services.kit.settings import Settings, SettingsError, load_settings


def main() -> int:
    """Until everything is imported nothing becomes garbage: a tenth of the start is saved by not
    looking for it, and what was imported is never looked through again."""
    gc.disable()
    from services.kit.bootstrap import EVERY_SERVICE, run

    parser = argparse.ArgumentParser(prog="services", description=__doc__)
    parser.add_argument("name", choices=EVERY_SERVICE)
    name: str = parser.parse_args().name
    try:
        settings = _with_names(load_settings(os.environ), name)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    logging.basicConfig(
        level=settings.log_level, format="%(asctime)s %(levelname)s %(threadName)s %(message)s"
    )
    logging.getLogger("kafka").setLevel("CRITICAL")
    service = importlib.import_module(f"services.{name.replace('-', '_')}.service")
    gc.freeze()
    gc.enable()
    return run(service.SERVICE, settings)


def _with_names(settings: Settings, name: str) -> Settings:
    instance = settings.instance or f"{name}-0"
    user = settings.kafka_user or name
    return msgspec.structs.replace(settings, instance=instance, kafka_user=user)


if __name__ == "__main__":
    sys.exit(main())
