"""The servers of the release: how much Kafka keeps on its claim, and who is let in."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from services.kit.bootstrap import EVERY_SERVICE, all_topics
from services.kit.broker import COMPACTED
from services.kit.dead_letters import SUFFIX
from tests.unit.rendering import (
    CHART,
    PROFILES,
    ROOT,
    containers,
    helm,
    kafka_properties,
    of_kind,
    pods,
    template,
)
from tests.unit.services.builders import a_record

BAND = "band-bandstand"
RULES = ROOT / "observability" / "rules" / "alerts.yml"
VALUES = CHART / "values.yaml"
MIB = 1024 * 1024
BATCH_BYTES = 70  # around a record that goes by itself


def kept_bytes(*given: str) -> int:
    return int(kafka_properties(*given)["log.retention.bytes"])


@pytest.mark.parametrize(
    ("size", "partitions"), [("1Gi", 4), ("2Gi", 12), ("100Gi", 100), ("1500M", 1)]
)
def test_what_all_topics_may_take_is_their_share_of_the_claim(size: str, partitions: int) -> None:
    """A partition has up to one segment more than it is to keep."""
    values = f"--set=kafka.storage.size={size},settings.partitions={partitions}"
    found = kafka_properties(values)
    grow = [each for each in all_topics() if each not in COMPACTED and not each.endswith(SUFFIX)]
    part = int(found["log.retention.bytes"]) + int(found["log.segment.bytes"])
    claim = {"1Gi": 1024 * MIB, "2Gi": 2048 * MIB, "100Gi": 102_400 * MIB, "1500M": 1_500_000_000}
    assert 0.74 < len(grow) * partitions * part / claim[size] <= 0.75
    assert int(found["log.segment.bytes"]) >= MIB  # Kafka takes no less


def test_a_claim_that_is_too_small_for_so_many_partitions_is_refused() -> None:
    done = helm("template", "band", str(CHART), "--set=settings.partitions=50")
    assert "kafka.storage.size: 2Gi is too little" in done.stderr


@pytest.mark.parametrize(("profile", "times"), [("kind", 2), ("default", 5)])
def test_who_is_far_behind_is_told_of_long_before_what_it_has_not_read_goes(
    profile: str, times: int
) -> None:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    rules = {rule.get("alert"): rule for group in groups for rule in group["rules"]}
    (many,) = re.findall(r"> (\d+)$", rules["BandstandUnreadAtRisk"]["expr"])
    record = a_record()
    words = sum(len(name) + len(word) for name, word in record.headers)
    longest = len(record.key) + len(record.value) + words + BATCH_BYTES
    partitions = yaml.safe_load(VALUES.read_text())["settings"]["partitions"]
    assert kept_bytes(*PROFILES[profile]) * partitions > times * int(many) * longest


def test_the_broker_starts_anew_when_it_is_to_keep_something_else() -> None:
    def checksum(*given: str) -> str:
        (broker,) = (
            each["spec"]["template"]["metadata"]["annotations"]["checksum/config"]
            for each in of_kind(template(*given), "StatefulSet")
            if each["metadata"]["name"] == f"{BAND}-kafka"
        )
        return str(broker)

    assert checksum() != checksum("--set=kafka.topicsPercent=50")


def test_a_broker_lets_in_whoever_has_a_password(tmp_path: Path) -> None:
    """Whatever is in it: the file is Java's."""
    accounts, bin_folder = tmp_path / "accounts", tmp_path / "bin"
    bin_folder.mkdir()
    accounts.mkdir()
    (accounts / "admin.password").write_text("secret")
    (accounts / "order.password").write_text('a"b\\c')
    for program in ("kafka-storage.sh", "kafka-server-start.sh"):
        (bin_folder / program).write_text("#!/bin/sh\n")
        (bin_folder / program).chmod(0o755)
    script = (CHART / "files" / "kafka-start.sh").read_text()
    for there, here in (
        ("/etc/bandstand-accounts", accounts),
        ("/opt/kafka/bin", bin_folder),
        ("/tmp/accounts.jaas", tmp_path / "jaas"),
    ):
        script = script.replace(there, str(here))
    subprocess.run(["bash", "-c", script], check=True, env={**os.environ, "CLUSTER_ID": "x"})
    login = """.KafkaServer {
  org.apache.kafka.common.security.plain.PlainLoginModule required
  user_admin="secret"
  user_order="a\\"b\\\\c"
  username="admin"
  password="secret";
};
"""
    assert (tmp_path / "jaas").read_text() == f"broker{login}controller{login}"
    assert (tmp_path / "jaas").stat().st_mode & 0o077 == 0


def test_a_server_of_the_release_takes_its_passwords_from_a_secret_of_yours() -> None:
    given = ("--set=kafka.existingSecret=mine", "--set=postgres.existingSecret=mine-too")
    manifests = template(*given, "--set=admin.existingSecret=admin", "--set=grafana.enabled=false")
    made = [each["metadata"]["name"] for each in of_kind(manifests, "Secret")]
    assert made == ["band-bandstand-operator-admission"]
    asked = {
        variable["name"]: variable["valueFrom"]["secretKeyRef"]["name"]
        for pod in pods(manifests)
        for container in containers(pod)
        for variable in container.get("env", [])
        if "secretKeyRef" in variable.get("valueFrom", {})
    }
    assert (asked["BANDSTAND_KAFKA_PASSWORD"], asked["BANDSTAND_DATABASE_URL"]) == (
        "mine",
        "mine-too",
    )
    mounted = {
        volume["secret"]["secretName"]: {item["key"] for item in volume["secret"]["items"]}
        for pod in pods(manifests)
        for volume in pod["volumes"]
        if "items" in volume.get("secret", {})
    }
    passwords = {f"{user}.password" for user in ("admin", *EVERY_SERVICE)}
    assert mounted == {"mine": passwords, "mine-too": passwords}


def test_whoever_brings_passwords_is_told_of_every_key_that_is_asked_of_them() -> None:
    """Also of those that only KEDA asks for, as which user it is to go to Kafka."""
    given = ("--set=kafka.existingSecret=mine", "--set=autoscaling.by=lag")
    ways = of_kind(template(*given), "TriggerAuthentication")
    asked = {each["key"] for way in ways for each in way["spec"]["secretTargetRef"]}
    assert {"order.user", "order.password"} <= asked
    table = (ROOT / "docs" / "values.md").read_text().splitlines()
    (told,) = (line for line in table if line.startswith("| `kafka.existingSecret`"))
    assert all(f"`{key}`" in told for key in ("admin.password", "order.password", "order.user"))
