"""What `make` asks of those who build images and clusters: stand-ins note it and do nothing."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.cluster import PATIENCE

ROOT = Path(__file__).parents[2]
BUILDERS = ("docker", "podman", "buildah")
STAND_IN = """#!/bin/sh
echo "$(basename "$0") $*" >>"$NOTES"
[ "$1 $2" = "get clusters" ] && echo "$CLUSTERS"
[ "$(basename "$0") $1" = "minikube status" ] && exit "$([ -n "$CLUSTERS" ]; echo $?)"
while [ $# -gt 0 ]; do
    [ "$1" = --iidfile ] && echo "$ID_OF_IMAGE" >"$2"
    shift
done
exit 0
"""
CONTENT = f"sha256:0123456789ab{52 * 'c'}"
Make = Callable[..., list[str]]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Runs it; the commands that its recipes ran, with blanks as one."""
    for name in (*BUILDERS, "kind", "minikube", "helm"):
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(STAND_IN)
        program.chmod(0o755)

    def make(*words: str, clusters: str = "", content: str = CONTENT) -> list[str]:
        notes = tmp_path / "notes"
        notes.write_text("")
        environment = {
            "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}",
            "NOTES": str(notes),
            "CLUSTERS": clusters,
            "ID_OF_IMAGE": content,
        }
        command = ["make", "--directory", str(ROOT), *words, f"OUT={tmp_path / 'out'}"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return [" ".join(line.split()) for line in notes.read_text().splitlines()]

    return make


def only(commands: list[str], begin: str) -> str:
    (found,) = [command for command in commands if command.startswith(begin)]
    return found


def word_after(command: str, option: str) -> str:
    words = command.split()
    return words[words.index(option) + 1]


@pytest.mark.parametrize("builder", BUILDERS)
def test_the_image_that_a_pod_asks_for_is_the_one_that_was_loaded_into_kind(
    builder: str, make: Make
) -> None:
    commands = make("kind-up", f"BUILDER={builder}", "TAG=7")
    built = word_after(only(commands, f"{builder} build"), "--tag")
    image = f"{built.removesuffix(':7')}:0123456789ab"
    named = only(commands, f"{builder} tag")
    assert named == f"{builder} tag {built} {image}"
    saved = only(commands, "buildah push" if builder == "buildah" else f"{builder} save")
    loaded = only(commands, "kind load")
    archive = loaded.removeprefix("kind load image-archive ").split()[0]
    assert f"{archive}:{image}" in saved or f"--output {archive} {image}" in saved
    asked = only(commands, "helm")
    name, _, tag = image.rpartition(":")
    assert f"--set image.repository={name} --set-string image.tag={tag}" in asked
    assert "--kube-context kind-bandstand" in asked
    order = [commands.index(each) for each in (named, saved, loaded, asked)]
    assert order == sorted(order)


def test_another_image_of_the_same_tag_has_another_name_in_the_cluster(make: Make) -> None:
    tags = {
        word_after(only(make("kind-up", content=each), "helm"), "--set-string")
        for each in (CONTENT, CONTENT, CONTENT[::-1])
    }
    assert len(tags) == 2


@pytest.mark.parametrize("builder", BUILDERS)
def test_the_end_to_end_tests_ask_for_the_image_that_was_loaded_or_pushed(
    builder: str, make: Make, tmp_path: Path
) -> None:
    def asked(*words: str) -> str:
        command = ["make", "--directory", str(ROOT), "--dry-run", "e2e", f"BUILDER={builder}"]
        command += [*words, f"OUT={tmp_path / 'out'}"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        (line,) = [each for each in done.stdout.splitlines() if "BANDSTAND_IMAGE" in each]
        return line.partition("BANDSTAND_IMAGE=")[2].split()[0]

    name = "bandstand" if builder == "docker" else "localhost/bandstand"
    assert asked() == f"{name}:dev"
    loaded = only(make("kind-up", f"BUILDER={builder}"), f"{builder} tag").split()[-1]
    assert asked() == loaded != f"{name}:dev"
    assert asked("REGISTRY=localhost:5000", "TAG=7") == "localhost:5000/bandstand:7"


@pytest.mark.parametrize("builder", BUILDERS)
def test_an_image_for_two_architectures_is_pushed_with_both(builder: str, make: Make) -> None:
    words = (f"BUILDER={builder}", "REGISTRY=example.com", "TAG=7")
    commands = make("images", *words, "BUILD_FLAGS=--platform linux/amd64,linux/arm64")
    built, pushed = only(commands, f"{builder} build"), commands[-1]
    image = "example.com/bandstand:7"
    if builder == "docker":
        assert f"--tag {image}" in built
        assert pushed == f"docker push {image}"
    else:
        assert f"--manifest {image}" in built
        assert "--tag" not in built
        assert commands[0] == f"{builder} manifest rm {image}"
        assert pushed == f"{builder} manifest push --all {image} docker://{image}"


@pytest.mark.parametrize("builder", BUILDERS)
def test_minikube_is_given_the_same_file(builder: str, make: Make) -> None:
    commands = make("minikube-up", f"BUILDER={builder}")
    archive = only(commands, "minikube image load").split()[-1]
    assert archive in only(commands, "buildah push" if builder == "buildah" else f"{builder} save")
    assert "--kube-context minikube" in only(commands, "helm")


@pytest.mark.parametrize("target", ["kind-up", "minikube-up"])
def test_an_empty_node_has_time_to_pull_what_it_does_not_have(target: str, make: Make) -> None:
    """Longer than the end-to-end tests wait, who have the images there."""
    assert minutes(word_after(only(make(target), "helm"), "--timeout")) > minutes(PATIENCE)


def minutes(duration: str) -> int:
    return int(duration.removesuffix("m"))


def test_a_name_that_says_no_registry_is_each_builders_own(make: Make) -> None:
    """Docker's clusters read `bandstand` as Docker Hub's; the others wrote `localhost/` before."""
    names = [word_after(make("images", f"BUILDER={each}")[0], "--tag") for each in BUILDERS]
    assert names == ["bandstand:dev", "localhost/bandstand:dev", "localhost/bandstand:dev"]


@pytest.mark.parametrize("builder", BUILDERS)
def test_an_image_is_pushed_where_a_registry_is_named_and_nowhere_else(
    builder: str, make: Make
) -> None:
    assert len(make("images", f"BUILDER={builder}")) == 1
    image = "registry.example.com/bandstand:dev"
    commands = make("images", f"BUILDER={builder}", "REGISTRY=registry.example.com")
    assert commands[1:] == [f"{builder} push {image}"]


@pytest.mark.parametrize(("target", "begun"), [("kind-up", "kind create"), ("minikube-up", "mini")])
def test_a_cluster_that_is_there_is_taken_as_it_is(target: str, begun: str, make: Make) -> None:
    def started(commands: list[str]) -> list[str]:
        return [each for each in commands if each.startswith(begun) and " --" in each]

    assert len(started(make(target))) == 1
    assert started(make(target, clusters="bandstand")) == []


@pytest.mark.parametrize("builder", ["podman", "buildah"])
def test_what_is_built_again_has_the_time_of_its_commit_and_no_cache(
    builder: str, make: Make
) -> None:
    first, again = make("reproducible", f"BUILDER={builder}")
    assert word_after(first, "--timestamp") == word_after(again, "--timestamp")
    assert "--no-cache" in again
