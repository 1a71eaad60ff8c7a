"""`python -m tests.unit.renders` writes anew, in `renders/`, what Helm makes of each profile.

So that a change of the chart shows what it comes to. What says nothing there is left out: copies
of the chart's own files, secrets, checksums, and labels that all have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from tests.unit import rendering
from tests.unit.rendering import CHART, Manifest, template

FOLDER = Path(__file__).parent / "renders"
PROFILES = ("kind", "production")
SAID_BY_ALL = {
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/version",
    "app.kubernetes.io/managed-by",
    "helm.sh/chart",
}


class _Plain(yaml.SafeDumper):
    """What is the same twice is written twice; text of more than one line looks like it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        style = "|" if "\n" in data else None
        return self.represent_scalar("tag:yaml.org,2002:str", data, style=style)


_Plain.add_representer(str, _Plain.represent_str)


def path(profile: str) -> Path:
    return FOLDER / f"{profile}.yaml"


def render(profile: str) -> str:
    manifests = template("--namespace=bandstand", *rendering.PROFILES[profile])
    files = {each.read_text().strip(): each.name for each in (CHART / "files").rglob("*.*")}
    return yaml.dump_all(
        [_short(each, files) for each in sorted(manifests, key=_place)],
        Dumper=_Plain,
        default_flow_style=None,
        sort_keys=False,
        width=120,
    )


def _place(manifest: Manifest) -> tuple[str, str]:
    return manifest["kind"], manifest["metadata"]["name"]


def _short(manifest: Manifest, files: dict[str, str]) -> Any:
    if manifest["kind"] == "Secret":
        for kept in {"data", "stringData"} & manifest.keys():
            manifest[kept] = dict.fromkeys(manifest[kept], "(made once)")
    elif manifest["kind"] == "ValidatingWebhookConfiguration":
        for webhook in manifest["webhooks"]:
            webhook["clientConfig"]["caBundle"] = "(made once)"
    elif manifest["kind"] == "PrometheusRule":
        manifest["spec"]["groups"] = [group["name"] for group in manifest["spec"]["groups"]]
    elif manifest["kind"] == "ConfigMap":
        data = manifest["data"]
        manifest["data"] = {
            key: f"({files[text.strip()]})" if text.strip() in files else text
            for key, text in data.items()
        }
    return _quiet(manifest)


def _quiet(value: Any) -> Any:
    if isinstance(value, list):
        return [_quiet(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: "(of its files)" if key.startswith("checksum/") else _quiet(inner)
        for key, inner in value.items()
        if key not in SAID_BY_ALL
    }


if __name__ == "__main__":
    for each in PROFILES:
        path(each).parent.mkdir(exist_ok=True)
        path(each).write_text(render(each))
