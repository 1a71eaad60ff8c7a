"""The reference of the chart's values in `docs/values.md`, from `values.yaml` and its comments.

A value without a word about it is an error: a comment beside it or above it, the description of
the setting that it becomes, or the meaning that its name has everywhere in the chart.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import msgspec
import yaml

from services.kit.settings import Settings

VALUES = Path(__file__).resolve().parents[2] / "charts" / "bandstand" / "values.yaml"
SETTINGS = "settings"
EVERYWHERE = {
    "enabled": "whether it is in the release",
    "image": "what it runs",
    "resources": "of its container",
    "storage": "of its claim; without a class the cluster's default one",
    "replicas": "of its pods",
}


class UndocumentedError(ValueError):
    """Nobody could tell what a value is for."""


def values_table(path: Path = VALUES) -> str:
    text = path.read_text()
    document = yaml.compose(text)
    if not isinstance(document, yaml.MappingNode):
        raise UndocumentedError(f"{path} is no mapping")
    lines = text.splitlines()
    return "\n".join(_section(lines, key, value) for key, value in document.value)


def _section(lines: list[str], key: yaml.Node, value: yaml.Node) -> str:
    leaf = not isinstance(value, yaml.MappingNode) or not value.value
    about = "" if leaf else _above(lines, key.start_mark.line)
    rows = "".join(
        f"| `{name}` | {_default(each)} | {_meaning(lines, name, line)} |\n"
        for name, line, each in _leaves(lines, key.value, key, value)
    )
    words = f"{_sentence(about)}\n\n" if about else ""
    return f"### {key.value}\n\n{words}| value | default | meaning |\n| --- | --- | --- |\n{rows}"


def _leaves(
    lines: list[str], name: str, key: yaml.Node, value: yaml.Node
) -> Iterator[tuple[str, int, yaml.Node]]:
    """What has a meaning as a whole is one leaf, such as resources, or a line with a comment."""
    line = key.start_mark.line
    if _is_whole(lines[line], name, value):
        yield name, line, value
        return
    for below, inner in value.value:
        yield from _leaves(lines, f"{name}.{below.value}", below, inner)


def _is_whole(line: str, name: str, value: yaml.Node) -> bool:
    if not isinstance(value, yaml.MappingNode) or not value.value:
        return True
    return "." in name and (name.rpartition(".")[2] in EVERYWHERE or _beside(line) != "")


def _default(node: yaml.Node) -> str:
    plain = yaml.safe_load(yaml.serialize(node))
    return f"`{msgspec.json.encode(plain).decode()}`"


def _meaning(lines: list[str], name: str, line: int) -> str:
    section, _, rest = name.partition(".")
    meaning = (
        _beside(lines[line])
        or _above(lines, line)
        or (_settings().get(rest, "") if section == SETTINGS else "")
        or EVERYWHERE.get(name.rpartition(".")[2], "")
    )
    if not meaning:
        raise UndocumentedError(f"values.yaml says nothing about {name}")
    return meaning.replace("|", "\\|")


def _beside(line: str) -> str:
    return line.partition("  # ")[2].strip()


def _above(lines: list[str], line: int) -> str:
    """The comment that ends right above this line."""
    indent = len(lines[line]) - len(lines[line].lstrip())
    mark = f"{' ' * indent}# "
    comment = takewhile(lambda text: text.startswith(mark), reversed(lines[:line]))
    return " ".join(reversed([text.removeprefix(mark) for text in comment]))


def _sentence(about: str) -> str:
    return about if about.endswith((".", ":")) else f"{about}."


def _settings() -> dict[str, str]:
    """By their names here, which are camel case."""
    _, components = msgspec.json.schema_components([Settings])
    properties = components[Settings.__name__]["properties"]
    return {_camel(name): about["description"] for name, about in properties.items()}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
