"""`python -m services.provision`: make the topics and give the permits, then end.

It waits for the broker, however long that takes. BANDSTAND_KAFKA and BANDSTAND_KAFKA_* say how to
get there, as a user who may do this (`admin` unless named); BANDSTAND_USER_OF_ORDER and so on name
the services' users where these are not called like their services.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Mapping

from kafka.errors import KafkaError

from services.kit.bootstrap import EVERY_SERVICE
from services.kit.settings import SettingsError, load_kafka_settings
from services.provision.apply import provision

log = logging.getLogger("services.provision")

RETRY_SECONDS = 1.0


def main() -> int:
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("kafka").setLevel("CRITICAL")
    try:
        settings = load_kafka_settings({"BANDSTAND_KAFKA_USER": "admin", **os.environ})
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    while True:
        try:
            provision(settings, users_in(os.environ))
            return 0
        except (KafkaError, OSError) as error:
            log.warning("not yet: %s", error)
        time.sleep(RETRY_SECONDS)


def users_in(environ: Mapping[str, str]) -> dict[str, str]:
    return {
        service: environ.get(f"BANDSTAND_USER_OF_{service.upper().replace('-', '_')}") or service
        for service in EVERY_SERVICE
    }


if __name__ == "__main__":
    sys.exit(main())
