"""A Coordination as one uses it: with kubectl."""

import json
import random
import subprocess
import threading

from tests.integration.waiting import eventually

PATIENCE_SECONDS = 300.0
QUICK = {
    "steps": [{"weight": 20, "minDuration": "1s"}, {"weight": 50, "minDuration": "1s"}],
    "progressDeadline": "10m",
}


class Coordination:
    def __init__(self, release):
        self.kubectl = release.kubectl
        self._namespace = release.namespace

    def patch(self, **spec):
        patch = json.dumps({"spec": spec})
        self.kubectl("patch", "coordination", "orders", "--type=merge", f"--patch={patch}")

    def refusal(self, spec):
        """What the API server says to a patch that it does not take."""
        patch = json.dumps({"spec": spec})
        command = ["kubectl", "-n", self._namespace, "patch", "coordination", "orders"]
        options = ["--type=merge", "--dry-run=server", f"--patch={patch}"]
        done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
        assert done.returncode != 0, f"{spec} was taken"
        return done.stderr

    def annotate(self, command):
        self.kubectl("annotate", "coordination", "orders", f"bandstand.dev/{command}=now")

    def wait(self, condition, seconds=PATIENCE_SECONDS):
        waiting = (f"--for=condition={condition}", f"--timeout={seconds:.0f}s")
        self.kubectl("wait", "coordination", "orders", *waiting)

    @property
    def status(self):
        found = json.loads(self.kubectl("get", "coordination", "orders", "--output=json"))
        return found.get("status", {})

    def told(self, kind):
        """A condition as `status/reason`."""
        for each in self.status.get("conditions", []):
            if each["type"] == kind:
                return f"{each['status']}/{each['reason']}"
        return ""

    def described(self):
        return self.kubectl("describe", "coordination", "orders")

    def events(self):
        """The reasons of all that was told of it."""
        about = ("get", "events", "--field-selector=involvedObject.kind=Coordination")
        return set(self.kubectl(*about, "--output=jsonpath={.items[*].reason}").split())

    def until(self, within=PATIENCE_SECONDS, **wanted):
        """The status once it says all of that."""

        def found():
            status = self.status
            return status if all(status.get(k) == v for k, v in wanted.items()) else None

        return eventually(found, f"{wanted}", within)

    def rest_in(self, mode, **spec):
        """Whatever went before: new sagas are the mode's, and nobody is judging."""
        analysis = {"metrics": []}
        self.patch(mode=mode, suspend=False, analysis=analysis, rollout=QUICK, **spec)
        self.wait("Ready")


def kill_who_acts(release):
    """Whether there was an operator that held the lease."""
    holder = "--output=jsonpath={.spec.holderIdentity}"
    pod = release.kubectl("get", "lease", f"{release.name}-operator", holder, check=False)
    if pod:
        release.kubectl("delete", "pod", pod, "--grace-period=0", "--force", check=False)
    return bool(pod)


class Killer(threading.Thread):
    """Kills the operator that acts, again and again, at random moments."""

    def __init__(self, release, seed):
        super().__init__(daemon=True)
        self.kills = 0
        self._release = release
        self._random = random.Random(seed)
        self._over = threading.Event()

    def run(self):
        while not self._over.wait(self._random.uniform(8, 18)):
            self.kills += kill_who_acts(self._release)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        self.join()
