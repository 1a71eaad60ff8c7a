"""A namespace with Policies, an order service with its points, and what can happen to them."""

from dataclasses import dataclass, field

from coordination_operator.errors import Refused, Stale, Unavailable
from coordination_operator.policy_plan import InForce, PolicyObject
from coordination_operator.policy_resources import PointStatus, PolicyStatus
from coordination_operator.resources import Who
from services.policy.rulebook import compile_rules
from services.policy.rules import RuleError, RuleSet, check, read_rules
from tests.unit.operator.a_world import Killed
from tests.unit.operator.builders import START

POINTS = {
    "orchestrator-0": Who.ORCHESTRATION,
    "inventory-0": Who.CHOREOGRAPHY,
    "payment-0": Who.CHOREOGRAPHY,
}


def a_rule(name="no-drums", **changes):
    return {"name": name, "guards": "AuthorizePayment", "effect": "deny", **changes}


def rules(*names):
    return read_rules([a_rule(name) for name in names])


def a_policy(name="shop", *written, generation=1, status=None):
    return PolicyObject(name, generation, {"rules": list(written)}, status or PolicyStatus())


def in_force(version=0, *names, behind=()):
    points = tuple(
        PointStatus(
            service=instance.partition("-")[0],
            instance=instance,
            mode=mode,
            version=version - (instance in behind),
            since=START,
        )
        for instance, mode in POINTS.items()
    )
    return InForce(version, rules(*names), points)


@dataclass
class PolicyWorld:
    objects: dict = field(default_factory=dict)
    versions: list = field(default_factory=lambda: [()])
    heard: dict = field(default_factory=lambda: dict.fromkeys(POINTS, 0))
    reachable: bool = True
    writable: bool = True
    killed_before: str = ""
    lost_answers: int = 0
    not_taken: str = ""
    puts: int = 0
    deaf: bool = False
    notes: list = field(default_factory=list)
    known: tuple = ()
    of_objects: set = field(default_factory=set)

    # What people do

    def apply(self, name, *written):
        before = self.objects.get(name)
        spec = {"rules": list(written)}
        if before is None:
            self.objects[name] = PolicyObject(name, 1, spec, PolicyStatus())
        elif before.spec != spec:
            self.objects[name] = PolicyObject(name, before.generation + 1, spec, before.status)

    def delete(self, name):
        self.objects.pop(name, None)

    def put_by_somebody_else(self, *written):
        self.versions.append(read_rules(list(written)))

    def catch_up(self):
        self.heard = dict.fromkeys(POINTS, self.version)

    # What the operator sees and does

    def look(self):
        self._maybe_die("look")
        self._seen = dict(self.objects)
        return list(self._seen.values())

    def rules(self):
        if not self.reachable:
            raise Unavailable("away")
        points = tuple(
            PointStatus(
                service=instance.partition("-")[0],
                instance=instance,
                mode=POINTS[instance],
                version=version,
                since=START,
            )
            for instance, version in self.heard.items()
        )
        return InForce(self.version, self.in_force, points)

    def save(self, name, status):
        self._maybe_die("save")
        if self.objects.get(name) is not self._seen[name]:
            raise Stale("somebody was faster")
        before = self.objects[name]
        self._seen[name] = self.objects[name] = PolicyObject(
            name, before.generation, before.spec, status
        )

    def put(self, wish):
        self._maybe_die("put")
        if not (self.reachable and self.writable):
            raise Unavailable("away")
        if wish.seen_version != self.version:
            raise Stale("somebody was faster")
        for rule in wish.rules:
            if rule.name == self.not_taken:
                raise Refused(f"{rule.name}: when: is not known here")
        try:
            check(wish.rules)
            compile_rules(RuleSet(1, wish.rules))
        except RuleError as error:
            raise AssertionError(f"not even tried: {error}") from error
        self.puts += 1
        self.versions.append(wish.rules)
        self.of_objects.add(self.version)
        self._maybe_die("answer")
        if self.lost_answers:
            self.lost_answers -= 1
            raise Unavailable("the answer was lost")

    def remember(self, version, *, alone):
        self.known = (*(() if alone else self.known), version)

    def remembered(self):
        return self.known

    def forget(self):
        self._maybe_die("forget")
        self.known = ()

    def tell(self, name, notes):
        self._maybe_die("tell")
        if self.deaf:
            return notes
        self.notes += [(name, note.reason) for note in notes]
        self._maybe_die("told")
        return ()

    # What there is

    @property
    def version(self):
        return len(self.versions) - 1

    @property
    def in_force(self):
        return self.versions[-1]

    @property
    def names(self):
        return [rule.name for rule in self.in_force]

    def status(self, name="shop"):
        return self.objects[name].status

    def told(self, kind, name="shop"):
        found = self.status(name).condition(kind)
        return f"{found.status}/{found.reason}" if found else ""

    def said(self, kind, name="shop"):
        return self.status(name).condition(kind).message

    def _maybe_die(self, where):
        if self.killed_before == where:
            self.killed_before = ""
            raise Killed(where)
