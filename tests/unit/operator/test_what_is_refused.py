"""What the API server is told to refuse, in CEL: each rule by an object that breaks it."""

import msgspec
import pytest
from cel_expr_python import cel

from coordination_operator.documents import ROOT
from coordination_operator.resources import CoordinationSpec
from coordination_operator.schema import COORDINATION

ENVIRONMENT = cel.NewEnv(variables={"self": cel.Type.DYN})
NO_METRICS = {"interval": "15s", "metrics": []}
BOUNDED = {"name": "m", "query": "up{$mode}", "thresholdRange": {"max": 1.0}}
GOOD = {
    "": {"metadata": {"name": "orders"}},
    "spec": {
        "rollout": {"steps": [{"weight": 10}, {"weight": 100}], "progressDeadline": "10m"},
        "analysis": {"interval": "15s", "metrics": [BOUNDED]},
    },
    "spec.rollout": {
        "steps": [{"weight": 10, "minDuration": "30s"}, {"weight": 50, "minDuration": "9m59s"}],
        "progressDeadline": "10m",
    },
    "spec.rollout.steps[]": {"weight": 10, "minSagas": 1000},
    "spec.drain": {"timeout": "1s"},
    "spec.analysis": {"interval": "1s", "window": "1s"},
    "spec.analysis.metrics[]": BOUNDED,
    "spec.analysis.metrics[].thresholdRange": {"min": 1.0, "max": 1.0},
}
ALSO_GOOD = [
    ("spec", {"rollout": {"steps": [], "progressDeadline": "1m"}, "analysis": NO_METRICS}),
    ("spec.analysis.metrics[]", {"name": "m", "template": "ErrorShare"}),
    ("spec.analysis.metrics[]", {"name": "m", "query": "up{$mode}", "compare": {}}),
    ("spec.analysis.metrics[].thresholdRange", {"max": 1.0}),
    ("spec.analysis.metrics[].thresholdRange", {"min": 0.0}),
]
BROKEN = [
    ("", {"metadata": {"name": "invoices"}}, "is called orders"),
    ("spec", {"rollout": {"steps": [{"weight": 100}], "progressDeadline": "10m"}}, "below 100"),
    ("spec", {"analysis": {"interval": "10m", "metrics": []}}, "interval must be shorter"),
    ("spec.rollout", {"steps": [{"weight": 1, "minDuration": "10m"}]}, "minDuration must be short"),
    ("spec.rollout.steps[]", {"minSagas": 1001}, "minSagas can be 100 times"),
    ("spec.drain", {"timeout": "0s"}, "timeout must be 1s"),
    ("spec.drain", {"timeout": "999ms"}, "timeout must be 1s"),
    ("spec.analysis", {"interval": "500ms"}, "interval must be 1s"),
    ("spec.analysis", {"window": "0s"}, "window must be 1s"),
    ("spec.analysis.metrics[]", {"template": "ErrorShare"}, "either a template or a query"),
    ("spec.analysis.metrics[]", {"thresholdRange": None}, "a query needs bounds"),
    ("spec.analysis.metrics[]", {"query": "up", "compare": {}}, "must have $mode in it"),
    ("spec.analysis.metrics[].thresholdRange", {"min": None, "max": None}, "min, max or both"),
    ("spec.analysis.metrics[].thresholdRange", {"min": 2.0}, "min must not be above max"),
]
# Sorted is what only Kubernetes' CEL can tell: tests/e2e asks a real API server.
OF_KUBERNETES = "the weights of the steps must ascend"


def refusals(path, value):
    """The messages of the rules at that place that are broken."""
    for rule, message in COORDINATION.rules[path]:
        if message == OF_KUBERNETES:
            continue
        if not ENVIRONMENT.compile(rule).eval(data={"self": value}).value():
            yield message


def edited(good, edit):
    """None takes a field away."""
    return {key: value for key, value in (good | edit).items() if value is not None}


@pytest.mark.parametrize(("path", "edit", "said"), BROKEN)
def test_what_breaks_a_rule_is_refused_by_that_rule_and_no_other(path, edit, said):
    (message,) = refusals(path, edited(GOOD[path], edit))
    assert said in message


@pytest.mark.parametrize(("path", "value"), [*GOOD.items(), *ALSO_GOOD])
def test_what_is_just_within_the_rules_is_taken(path, value):
    assert list(refusals(path, value)) == []


def test_the_example_breaks_no_rule_and_asks_for_what_there_is():
    example = msgspec.yaml.decode((ROOT / "examples" / "coordination.yaml").read_bytes())
    spec = msgspec.to_builtins(msgspec.convert(example["spec"], CoordinationSpec))
    assert list(refusals("", example)) == list(refusals("spec", spec)) == []
    assert example["spec"].keys() <= spec.keys()
    for metric in example["spec"]["analysis"]["metrics"]:
        assert list(refusals("spec.analysis.metrics[]", metric)) == []


def test_no_rule_is_left_out():
    said = [said for _, _, said in BROKEN]
    rules = [message for rules in COORDINATION.rules.values() for _, message in rules]
    left_out = [message for message in rules if not any(each in message for each in said)]
    assert left_out == [OF_KUBERNETES]
