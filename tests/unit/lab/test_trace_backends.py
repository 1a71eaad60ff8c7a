"""Jaeger's answers, traces kept in a file, and which of them answers at an address."""

import json

import httpx
import msgspec
import pytest

from lab.api import Api
from lab.cli import main
from lab.errors import MissingError, NoStackError
from lab.traces import find, kept
from lab.traces.backend import UnknownBackendError, reading
from lab.traces.jaeger import Jaeger
from lab.traces.tree import grow
from tests.unit.lab.test_trace_reading import ORDER_ID, TRACE_ID
from tests.unit.lab.traces import a_chain, a_root


def as_jaeger(spans, link_only=False):
    return {
        "traceID": TRACE_ID,
        "spans": [
            {
                "traceID": TRACE_ID,
                "spanID": span.id,
                "operationName": span.name,
                "references": [
                    {
                        "refType": "FOLLOWS_FROM" if link_only else "CHILD_OF",
                        "traceID": TRACE_ID,
                        "spanID": span.parent,
                    }
                ]
                if span.parent
                else [],
                "startTime": span.start_us,
                "duration": span.end_us - span.start_us,
                "tags": [
                    {"key": name, "type": "string", "value": value}
                    for name, value in span.tags.items()
                ],
                "processID": span.service,
            }
            for span in spans
        ],
        "processes": {span.service: {"serviceName": span.service} for span in spans},
    }


def a_chain_in_its_trace(**tags):
    return [
        msgspec.structs.replace(span, trace=TRACE_ID, tags={**span.tags, **tags})
        for span in a_chain()
    ]


def answering(answers, asked=None):
    """By path; None is Jaeger's page, with which it answers what it does not know."""

    def answer(request):
        if asked is not None:
            asked.append(request.url)
        found = answers.get(request.url.path)
        if found is None:
            return httpx.Response(200, text="<!doctype html>")
        return httpx.Response(200, content=json.dumps(found))

    return httpx.MockTransport(answer)


def a_jaeger(answers, asked=None):
    return Jaeger(Api("http://jaeger", transport=answering(answers, asked)), "http://jaeger")


@pytest.mark.parametrize("link_only", [False, True])
def test_spans_are_what_jaeger_was_told(link_only):
    found = {"data": [as_jaeger(a_chain(), link_only)]}
    jaeger = a_jaeger({f"/api/traces/{TRACE_ID}": found})
    assert jaeger.trace(TRACE_ID) == a_chain_in_its_trace()


def test_what_jaeger_does_not_know_is_empty():
    transport = httpx.MockTransport(lambda _: httpx.Response(404, json={"data": None}))
    jaeger = Jaeger(Api("http://jaeger", transport=transport), "http://jaeger")
    assert jaeger.trace(TRACE_ID) == []


def test_an_error_has_its_reason():
    told = as_jaeger([a_root()])
    told["spans"][0]["tags"] += [
        {"key": "error", "type": "bool", "value": True},
        {"key": "otel.status_description", "type": "string", "value": "sold_out"},
        {"key": "saga.attempt", "type": "int64", "value": 2},
    ]
    (span,) = a_jaeger({f"/api/traces/{TRACE_ID}": {"data": [told]}}).trace(TRACE_ID)
    assert (span.tags["error"], span.tags["saga.attempt"]) == ("sold_out", "2")


def test_the_newest_sagas_come_first_and_no_more_than_wanted():
    later = [
        msgspec.structs.replace(span, start_us=span.start_us + 5, trace="b")
        for span in a_chain_in_its_trace()
    ]
    asked = []
    found = {"data": [as_jaeger(a_chain()), as_jaeger(later)]}
    newest = a_jaeger({"/api/traces": found}, asked).last("orchestration", 1)
    assert [spans[0].start_us for spans in newest] == [5]
    query = asked[0].params
    assert (query["service"], query["operation"]) == ("order", "saga order")
    assert json.loads(query["tags"]) == {"saga.mode": "orchestration"}


@pytest.mark.parametrize(("count", "limit"), [(1, 100), (50, 200), (1_000, 1_500)])
def test_no_more_traces_are_asked_for_than_it_takes_to_find_the_newest(count, limit):
    asked = []
    a_jaeger({"/api/traces": {"data": []}}, asked).last("choreography", count, "rejected")
    assert asked[0].params["limit"] == str(limit)
    tags = {"saga.mode": "choreography", "saga.outcome": "rejected"}
    assert json.loads(asked[0].params["tags"]) == tags


def test_why_a_cluster_may_have_no_trace_of_an_order_is_not_what_a_laptop_says(monkeypatch):
    monkeypatch.setattr(Jaeger, "patience_seconds", 0.0)
    jaeger = a_jaeger({f"/api/traces/{TRACE_ID}": {"data": []}})
    with pytest.raises(find.NoTraceError, match=r"collector\.keptPercent"):
        find.find(jaeger, TRACE_ID)


def test_a_saga_is_looked_for_at_every_service_and_each_span_counts_once():
    asked = []
    answers = {
        "/api/services": {"data": ["inventory", "order"]},
        "/api/traces": {"data": [as_jaeger(a_chain())]},
    }
    assert a_jaeger(answers, asked).saga(ORDER_ID) == a_chain_in_its_trace()
    assert [url.params["service"] for url in asked[1:]] == ["inventory", "order"]


@pytest.mark.parametrize(
    ("answers", "page"),
    [
        ({"/api/v2/services": []}, "http://here/zipkin/traces/x"),
        ({"/api/services": {"data": None}}, "http://here/trace/x"),
    ],
)
def test_whoever_answers_is_recognised(answers, page):
    with reading("http://here/", answering(answers)) as backend:
        assert backend.page("x") == page


def test_somebody_else_is_not():
    with (
        pytest.raises(UnknownBackendError, match="neither"),
        reading("http://here", answering({})),
    ):
        pass


def trees():
    band = [
        msgspec.structs.replace(
            span, trace="b" * 32, tags={**span.tags, "saga.mode": "choreography"}
        )
        for span in a_chain()
    ]
    return [
        grow(a_chain_in_its_trace(**{"saga.id": ORDER_ID, "messaging.system": "x"})),
        grow(band),
    ]


def test_kept_traces_are_read_as_from_any_backend(tmp_path):
    modes = kept.save(trees(), tmp_path / "traces.json")
    assert {mode: each.traces for mode, each in modes.items()} == dict.fromkeys(find.MODES, 1)
    with reading(str(tmp_path / "traces.json")) as backend:
        tree = find.find(backend, ORDER_ID)
        assert tree.root.trace == TRACE_ID
        assert "messaging.system" not in tree.root.tags
        assert find.find(backend, TRACE_ID) == tree
        assert [each.root.mode for each in find.last(backend, 5)] == list(find.MODES)
        assert backend.trace("c" * 32) == []


def test_what_is_no_file_of_traces_says_so(tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    for path in (tmp_path / "nothing.json", broken):
        with pytest.raises(MissingError, match=path.name), reading(str(path)):
            pass


def test_without_a_stack_the_last_demos_traces_are_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("BANDSTAND_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    compare = ["trace", "compare", "--last", "50", "--html", "out/page.html"]
    assert main(compare) == NoStackError.exit_code
    kept.save(trees(), tmp_path / kept.FILE)
    assert main([*compare, "--json"]) == 0
    modes = json.loads(capsys.readouterr().out)["modes"]
    assert set(modes) == set(find.MODES)
    assert modes["choreography"]["outcomes"] == {"confirmed": 1}
    assert set(modes["choreography"]["time_ms"]) == {"work", "queue", "broker", "database"}
    assert (tmp_path / "out/page.html").is_file()
