"""skaffold.yaml against Skaffold's published schema, which SKAFFOLD_SCHEMA names."""

from __future__ import annotations

import json
import os
from pathlib import Path

import jsonschema_rs

from tests.syncing import destinations, skaffold
from tests.tools import lacking
from tests.unit.rendering import PROFILES, containers, of_kind, pods, template

ROOT = Path(__file__).parents[2]
SYNC = PROFILES["sync"]
IMAGE = "bandstand:0.1.0"


def test_it_is_valid() -> None:
    schema = os.environ.get("SKAFFOLD_SCHEMA")
    if not schema:
        lacking("SKAFFOLD_SCHEMA names no copy of Skaffold's v4beta13 schema")
    found = jsonschema_rs.validator_for(json.loads(Path(schema).read_text())).iter_errors(
        skaffold()
    )
    assert [error.message for error in found] == []


def test_what_it_names_is_there() -> None:
    text = (ROOT / "skaffold.yaml").read_text()
    for name in ("Dockerfile", "charts/bandstand", "charts/bandstand/values-kind.yaml"):
        assert name in text
        assert (ROOT / name).exists()


def test_an_empty_node_has_as_much_time_to_pull_images_as_make_gives_it() -> None:
    timeout = "--timeout=15m"
    assert timeout.replace("=", " ") in (ROOT / "Makefile").read_text()
    assert skaffold()["deploy"]["helm"]["flags"] == {"install": [timeout], "upgrade": [timeout]}


def test_a_source_that_changes_goes_where_it_is_imported_from() -> None:
    sources = {"services": "services", "operator/coordination_operator": "coordination_operator"}
    synced = destinations()
    for folder, package in sources.items():
        for file in (ROOT / folder).rglob("*.py"):
            module = file.relative_to(ROOT / folder)
            assert synced[str(file.relative_to(ROOT))] == f"/sync/{package}/{module}"
    assert synced["services/kit/schema.sql"] == "/sync/services/kit/schema.sql"


def test_what_is_copied_is_what_the_image_is_made_of() -> None:
    copied = {"services", "operator/coordination_operator"}
    assert all(any(file.startswith(f"{each}/") for each in copied) for file in destinations())


def test_every_container_of_the_image_takes_files_and_runs_from_where_they_go() -> None:
    stay = of_kind(template(*SYNC), "Deployment", "StatefulSet", "Job")
    running = [each for pod in pods(stay) for each in pod["containers"] if each["image"] == IMAGE]
    assert {"order", "orchestrator", "operator", "provision"} <= {each["name"] for each in running}
    for container in running:
        mounts = {each["mountPath"]: each for each in container["volumeMounts"]}
        assert not mounts["/sync"].get("readOnly")
        assert {"name": "PYTHONPATH", "value": "/sync"} in container["env"]


def test_whoever_stays_runs_again_when_it_ends() -> None:
    for pod in pods(of_kind(template(*SYNC), "Deployment")):
        for container in pod["containers"]:
            if container["image"] == IMAGE:
                assert container["command"][1] == "/etc/bandstand/run-again.sh"
                assert container["command"][2:4] == ["python3", "-m"]


def test_without_it_nothing_of_the_sort_is_there() -> None:
    for pod in pods(template()):
        assert "sync" not in {volume["name"] for volume in pod["volumes"]}
        assert "copy" not in {container["name"] for container in containers(pod)}
