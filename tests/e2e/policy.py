"""Policies as one uses them: with kubectl."""

import json
import subprocess

from tests.integration.waiting import eventually

PATIENCE_SECONDS = 300.0


class Policies:
    def __init__(self, release):
        self.kubectl = release.kubectl
        self._namespace = release.namespace

    def apply(self, name, *rules):
        done = self._tried(name, *rules)
        assert done.returncode == 0, done.stderr

    def refusal(self, name, *rules):
        """What the API server says to an object that it does not take."""
        done = self._tried(name, *rules, "--dry-run=server")
        assert done.returncode != 0, f"{rules} were taken"
        return done.stderr

    def delete(self, *names):
        self.kubectl("delete", "policies", *(names or ["--all"]), "--wait=true")

    def wait(self, name, condition="Enforced"):
        waiting = (f"--for=condition={condition}", f"--timeout={PATIENCE_SECONDS:.0f}s")
        self.kubectl("wait", "policy", name, *waiting)

    def status(self, name):
        found = json.loads(self.kubectl("get", "policy", name, "--output=json"))
        return found.get("status", {})

    def condition(self, name, kind):
        found = [each for each in self.status(name).get("conditions", []) if each["type"] == kind]
        return found[0] if found else {}

    def until_told(self, name, kind, wanted):
        """A condition as `status/reason`; its message."""

        def told():
            found = self.condition(name, kind)
            return bool(found) and f"{found['status']}/{found['reason']}" == wanted

        eventually(told, f"{name} is {wanted}", PATIENCE_SECONDS)
        return self.condition(name, kind)["message"]

    def described(self, name):
        return self.kubectl("describe", "policy", name)

    def _tried(self, name, *given):
        rules = [each for each in given if isinstance(each, dict)]
        options = [each for each in given if isinstance(each, str)]
        manifest = {
            "apiVersion": "bandstand.dev/v1alpha1",
            "kind": "Policy",
            "metadata": {"name": name},
            "spec": {"rules": rules},
        }
        command = ["kubectl", "--namespace", self._namespace, "apply", "--filename=-", *options]
        return subprocess.run(
            command, input=json.dumps(manifest), capture_output=True, text=True, check=False
        )
