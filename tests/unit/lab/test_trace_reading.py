"""Traces as Zipkin tells them, found by an order's id, and drawn."""

import io
import json

import httpx
import msgspec
import pytest
from rich.console import Console

from lab.api import Api
from lab.traces import find
from lab.traces.find import NoTraceError, TraceIdError
from lab.traces.measure import measure, summarize
from lab.traces.show import paths, side_by_side, waterfall
from lab.traces.tree import grow
from lab.traces.zipkin import Zipkin
from tests.unit.lab.traces import ORDER_ID, a_chain, a_root, a_span

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"


def as_told(span):
    told = {
        "traceId": span.trace or TRACE_ID,
        "id": span.id,
        "name": span.name,
        "timestamp": span.start_us,
        "duration": span.end_us - span.start_us,
        "localEndpoint": {"serviceName": span.service, "ipv4": "127.0.0.1"},
        "tags": dict(span.tags),
    }
    return told if span.parent is None else {**told, "parentId": span.parent}


def a_zipkin(*answers):
    """Gives its answers one after the other, the last one for ever, and one trace as the only one
    that was found; `asked` are the URLs."""
    asked, left = [], list(answers)

    def answer(request):
        asked.append(request.url)
        spans = left.pop(0) if len(left) > 1 else left[0]
        if spans is None:
            return httpx.Response(404, text="")
        if request.url.path == "/api/v2/traces" and isinstance(spans[0], dict):
            spans = [spans]
        return httpx.Response(200, content=json.dumps(spans))

    api = Api("http://zipkin", transport=httpx.MockTransport(answer))
    return Zipkin(api, "http://zipkin"), asked


def in_trace(spans):
    return [msgspec.structs.replace(span, trace=TRACE_ID) for span in spans]


def printed(renderable):
    console = Console(width=200, file=io.StringIO())
    console.print(renderable)
    return console.file.getvalue()


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    monkeypatch.setattr(find, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(Zipkin, "patience_seconds", 0.05)


def test_spans_are_what_zipkin_was_told():
    zipkin, asked = a_zipkin([as_told(span) for span in a_chain()])
    assert zipkin.trace(TRACE_ID) == in_trace(a_chain())
    assert asked[0].path == f"/api/v2/trace/{TRACE_ID}"


def test_the_last_sagas_are_asked_for_by_their_mode():
    zipkin, asked = a_zipkin([[as_told(span) for span in a_chain()]])
    assert zipkin.last("choreography", 7) == [in_trace(a_chain())]
    assert asked[0].params["annotationQuery"] == "saga.mode=choreography"
    assert (asked[0].params["spanName"], asked[0].params["limit"]) == ("saga order", "7")


def test_of_the_last_sagas_only_those_that_ended_alike_are_compared():
    rejected = [as_told(span) for span in [a_root(outcome="rejected"), *a_chain()[1:]]]
    zipkin, asked = a_zipkin([[as_told(span) for span in a_chain()], rejected])
    (tree,) = find.last(zipkin, 7, "confirmed")
    assert tree.root.outcome == "confirmed"
    wanted = "saga.mode=orchestration and saga.outcome=confirmed"
    assert asked[0].params["annotationQuery"] == wanted
    assert len(find.last(zipkin, 7)) == 2


def test_a_young_trace_is_waited_for_until_it_is_whole():
    whole = [as_told(span) for span in a_chain()]
    zipkin, asked = a_zipkin(None, whole[1:], [whole[0], *whole[2:]], whole)
    assert measure(find.find(zipkin, TRACE_ID)).orphans == 0
    assert len(asked) == 4


def test_an_orphan_that_stays_one_is_shown_and_not_waited_for_for_ever():
    zipkin, _ = a_zipkin([as_told(span) for span in [a_root(), a_span(5, 99, "send")]])
    tree = find.find(zipkin, TRACE_ID)
    assert "(orphan)" in printed(waterfall(tree))


def test_an_order_that_was_not_sampled_has_no_trace():
    zipkin, _ = a_zipkin(None)
    with pytest.raises(NoTraceError, match="one order in ten"):
        find.find(zipkin, TRACE_ID)


def test_what_lost_its_root_is_left_out():
    whole = [as_told(span) for span in a_chain()]
    zipkin, _ = a_zipkin([whole, whole[1:]])
    assert [tree.root.mode for tree in find.last(zipkin, 2)] == ["orchestration"]


def test_what_lost_its_beginning_is_not_compared():
    """The Collector has given up on it before somebody answered; the rest hangs below the root."""
    whole = [as_told(span) for span in a_chain()]
    answered = a_span(1, 0, "send", 500, 550, saga_step="HoldApproved")
    late = [a_root(), answered, a_span(2, 1, "process", 560, 900)]
    zipkin, _ = a_zipkin([whole, [as_told(span) for span in late]])
    assert len(find.last(zipkin, 2)) == 1
    assert not grow(late).has_its_beginning
    assert grow(a_chain()).has_its_beginning


OTHER_ID = "0192f0c1-2345-7abc-8def-ba9876543210"


def a_callers_trace(*orders):
    """`GET /checkout`, in which each of these orders was placed, in turns of the modes."""
    spans = [as_told(a_span(77, kind="GET", service="web")) | {"tags": {}}]
    for number, (order, mode) in enumerate(zip(orders, find.MODES, strict=False)):
        for span in a_chain():
            own = as_told(span)
            own["tags"] |= {"saga.id": order} | ({"saga.mode": mode} if not span.parent else {})
            own["id"] = f"{number}{span.id[1:]}"
            own["parentId"] = f"{number}{span.parent[1:]}" if span.parent else f"{77:016x}"
            spans.append(own)
    return spans


def test_a_callers_own_spans_are_no_part_of_the_saga():
    zipkin, _ = a_zipkin(a_callers_trace(ORDER_ID))
    found = measure(find.find(zipkin, TRACE_ID))
    assert (found.orphans, found.spans, found.services) == (0, 5, ["inventory", "order"])


def test_of_a_caller_who_places_two_orders_each_is_found_by_its_id():
    zipkin, _ = a_zipkin([a_callers_trace(ORDER_ID, OTHER_ID)])
    for order in (ORDER_ID, OTHER_ID):
        tree = find.find(zipkin, order)
        assert {span.tags["saga.id"] for _, span in tree.all()} == {order}
        assert (tree.orphans, measure(tree).hops) == ([], 2)


def test_the_trace_of_two_orders_names_them():
    zipkin, _ = a_zipkin(a_callers_trace(ORDER_ID, OTHER_ID))
    with pytest.raises(TraceIdError, match=f"2 orders: {ORDER_ID}, {OTHER_ID}"):
        find.find(zipkin, TRACE_ID)


def test_two_orders_in_one_trace_are_two_of_the_last_ones():
    zipkin, asked = a_zipkin([a_callers_trace(ORDER_ID, OTHER_ID)])
    found = find.last(zipkin, 5)
    assert [(tree.root.mode, tree.root.tags["saga.id"]) for tree in found] == [
        ("orchestration", ORDER_ID),
        ("choreography", OTHER_ID),
    ]
    assert len(asked) == len(find.MODES), "whole, so nobody waits"


def test_a_trace_is_named_by_itself_or_by_its_order():
    zipkin, asked = a_zipkin([as_told(span) for span in a_chain()])
    find.find(zipkin, TRACE_ID)
    assert asked[0].path == f"/api/v2/trace/{TRACE_ID}"
    zipkin, asked = a_zipkin([[as_told(span) for span in a_chain()]])
    find.find(zipkin, ORDER_ID.upper())
    assert asked[0].params["annotationQuery"] == f"saga.id={ORDER_ID}"
    with pytest.raises(TraceIdError):
        find.find(zipkin, "violin")


def test_where_spans_are_linked_only_a_saga_is_gathered_by_its_id():
    """The root's trace, and each message's own; a link stands for the parent."""
    root, *others = a_chain()
    tagged = [msgspec.structs.replace(each, tags={"saga.id": ORDER_ID}) for each in (root, *others)]
    told = [as_told(span) for span in tagged]
    for each in told:
        if each["name"].startswith("process"):
            each["tags"]["link.span_id"] = each.pop("parentId")
    zipkin, asked = a_zipkin(told[:2], [told[:2], told[2:4], told[4:]])
    assert measure(find.find(zipkin, TRACE_ID)).hops == 2
    assert asked[-1].params["annotationQuery"] == f"saga.id={ORDER_ID}"


def test_a_waterfall_tells_each_span_once_with_its_times():
    lines = printed(waterfall(grow(a_chain()))).splitlines()
    assert len(lines) == 1 + len(a_chain())
    assert "send OrderPlaced" in lines[2]
    assert lines[3].split()[:2] == ["0.2", "0.1"]
    assert "━" in lines[3]


def test_modes_stand_side_by_side():
    other = [a_root(mode="choreography"), *a_chain()[1:]]
    modes = summarize([measure(grow(spans)) for spans in (a_chain(), other)])
    shown = printed(side_by_side(modes))
    assert shown.splitlines()[0].split()[-2:] == ["orchestration", "choreography"]
    assert "inventory ReserveStock" in printed(paths(modes))


def test_a_summary_says_how_its_sagas_ended():
    rejected = [a_root(outcome="rejected"), *a_chain()[1:]]
    modes = summarize([measure(grow(spans)) for spans in (a_chain(), a_chain(), rejected)])
    assert modes["orchestration"].outcomes == {"confirmed": 2, "rejected": 1}
    assert ["confirmed", "2"] in [
        line.split() for line in printed(side_by_side(modes)).splitlines()
    ]
