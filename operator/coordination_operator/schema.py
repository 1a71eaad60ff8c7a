"""The definition of a Coordination: what the API server refuses, and what kubectl shows."""

from __future__ import annotations

from typing import Final

from coordination_operator.resources import KIND, NAME, PLURAL, CoordinationSpec
from coordination_operator.status import CoordinationStatus
from coordination_operator.structural import Custom

_RULES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "": (
        (
            f"self.metadata.name == '{NAME}'",
            f"a namespace has one order process, so its Coordination is called {NAME}",
        ),
    ),
    "spec": (
        (
            "size(self.analysis.metrics) == 0 || self.rollout.steps.exists(s, s.weight < 100)",
            "metrics need a step below 100 at which they can be judged",
        ),
        (
            "duration(self.analysis.interval) < duration(self.rollout.progressDeadline)",
            "analysis.interval must be shorter than rollout.progressDeadline",
        ),
    ),
    "spec.rollout": (
        (
            "self.steps.map(s, s.weight).isSorted() && "
            "self.steps.all(s, self.steps.filter(t, t.weight == s.weight).size() == 1)",
            "the weights of the steps must ascend",
        ),
        (
            "self.steps.all(s, duration(s.minDuration) < duration(self.progressDeadline))",
            "every step's minDuration must be shorter than progressDeadline",
        ),
    ),
    "spec.rollout.steps[]": (
        (
            "self.minSagas <= self.weight * 100",
            "minSagas can be 100 times the weight at most: of a step's first 20,000 sagas",
        ),
    ),
    "spec.drain": (("duration(self.timeout) >= duration('1s')", "timeout must be 1s or longer"),),
    "spec.analysis": (
        ("duration(self.interval) >= duration('1s')", "interval must be 1s or longer"),
        ("duration(self.window) >= duration('1s')", "window must be 1s or longer"),
    ),
    "spec.analysis.metrics[]": (
        ("has(self.template) != has(self.query)", "either a template or a query is needed"),
        (
            "!has(self.query) || has(self.compare) || has(self.thresholdRange)",
            "a query needs bounds: compare or thresholdRange",
        ),
        (
            "!has(self.query) || !has(self.compare) || self.query.contains('$mode')",
            "to compare two modes the query must have $mode in it",
        ),
    ),
    "spec.analysis.metrics[].thresholdRange": (
        ("has(self.min) || has(self.max)", "min, max or both are needed"),
        (
            "!has(self.min) || !has(self.max) || self.min <= self.max",
            "min must not be above max",
        ),
    ),
}

_COLUMNS: Final = (
    ("Mode", "string", ".status.activeMode", "Who is active: trusted with everything", 0),
    ("Target", "string", ".spec.mode", "Who is asked for", 0),
    ("Weight", "integer", ".status.weight", "Percent of new sagas that the target gets", 0),
    ("Phase", "string", ".status.phase", "Where the switch is", 0),
    ("InFlight", "integer", ".status.inFlight.total", "Open sagas of both modes", 0),
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', "", 0),
    ("Waiting", "string", ".status.message", "What is waited for", 1),
    ("Age", "date", ".metadata.creationTimestamp", "", 0),
)

COORDINATION: Final = Custom(
    kind=KIND,
    plural=PLURAL,
    short="coord",
    description="Who coordinates new sagas, and how it is switched.",
    spec=CoordinationSpec,
    status=CoordinationStatus,
    rules=_RULES,
    columns=_COLUMNS,
)
