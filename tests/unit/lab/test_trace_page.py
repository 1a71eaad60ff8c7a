"""Two waterfalls on one time scale, with nothing to load from elsewhere."""

import re

import msgspec

from lab.traces.measure import measure, summarize
from lab.traces.page import render, typical
from lab.traces.tree import grow
from lab.traces.waterfall import waterfall
from tests.unit.lab.traces import a_chain, a_span


def a_trace(mode="orchestration", stretched=1):
    spans = [
        msgspec.structs.replace(
            span,
            start_us=span.start_us * stretched,
            end_us=span.end_us * stretched,
            tags={**span.tags, "saga.mode": mode},
        )
        for span in a_chain()
    ]
    return grow(spans)


def test_a_row_is_a_message_on_its_way_and_its_handling():
    first, second = waterfall(a_trace()).rows
    assert (first.who, first.what, first.critical) == ("inventory", "ReserveStock", True)
    assert [(each.part, each.start, each.end) for each in first.stretches] == [
        ("broker", 0.1, 0.15),
        ("queue", 0.15, 0.2),
        ("work", 0.2, 0.26),
    ]
    assert second.who == "order"


def test_the_databases_share_is_in_the_handling():
    spans = a_chain()
    tags = {"bandstand.database_seconds": "0.00004"}
    spans[2] = msgspec.structs.replace(spans[2], tags=tags)
    parts = {each.part: each.end - each.start for each in waterfall(grow(spans)).rows[0].stretches}
    assert round(parts["database"] * 1000) == 40
    assert round(parts["work"] * 1000) == 20


def test_what_nobody_handles_is_a_row_too():
    unheard = a_span(9, 2, "send", 255, 300, "inventory", saga_step="Told")
    rows = waterfall(grow([*a_chain(), unheard])).rows
    assert [row.what for row in rows] == ["ReserveStock", "StockReserved", "tells Told"]


def test_refusals_and_errors_are_marked():
    spans = a_chain()
    tags = {"saga.rejected": "true", "saga.result": "StockRejected", "saga.reason": "sold_out"}
    spans[2] = msgspec.structs.replace(spans[2], tags=tags)
    spans[4] = msgspec.structs.replace(spans[4], tags={"error": "<b>no</b>"})
    page = render([grow(spans)])
    assert "StockRejected (sold_out)" in page
    assert "&lt;b&gt;no&lt;/b&gt;" in page


def test_the_typical_trace_is_neither_the_fastest_nor_the_slowest():
    trees = [a_trace(stretched=factor) for factor in (1, 5, 3)]
    (summary,) = summarize([measure(tree) for tree in trees]).values()
    assert typical(trees, "orchestration", summary) is trees[2]


def test_both_modes_have_one_scale():
    page = render([a_trace(), a_trace("choreography", stretched=2)])
    ends = re.findall(r">([\d.]+) ms</span>", page)
    assert len(ends) == 2
    assert len(set(ends)) == 1
    assert float(ends[0]) >= 2.0


def test_the_page_loads_nothing():
    page = render([a_trace(), a_trace("choreography")], lambda trace: f"http://zipkin/{trace}")
    assert not re.findall(r"(?: src=|@import|url\()", page)
    assert "default-src 'none'" in page
    assert page.count("<a href") == 2
