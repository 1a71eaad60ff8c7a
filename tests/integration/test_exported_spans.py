"""The spans of a real run in both modes as they leave the services, with parents and links only."""

from collections import Counter

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from lab.database import Database
from lab.load.door import Door
from lab.load.load import Load
from lab.load.mix import mix
from lab.load.progress import Bars
from lab.stack.ports import LOOPBACK
from lab.traces.measure import measure
from lab.traces.span import Span
from lab.traces.tree import grow
from services.inventory.service import PLAYBOOK as INVENTORY
from services.kit.bootstrap import SERVICES
from services.kit.faults import Catalogue, Fault, Rule
from services.kit.message import Mode
from services.kit.metrics import CONTENT_TYPE
from services.notification.service import PLAYBOOK as NOTIFICATION
from services.orchestrator.order_saga import ORDER
from services.order.service import PLAYBOOK as ORDERING
from services.payment.service import PLAYBOOK as PAYMENT
from services.shipping.service import PLAYBOOK as SHIPPING
from tests.integration.broker import forget_everything
from tests.integration.conftest import all_started
from tests.integration.databases import a_database
from tests.integration.front_door import coordination, switched
from tests.integration.otlp_receiver import receiving
from tests.integration.service_process import processes
from tests.integration.waiting import eventually

ORDERS, RATE, SEED, PATIENCE = 40, 20, 6, 60
DOOMED = 30.0
LATE_STOCK = Catalogue(
    rules=(Rule(Fault.DELAY, 100, "ReserveStock", delay_ms=2_000, mode=Mode.CHOREOGRAPHY),)
)
PLAYBOOKS = {
    "order": ORDERING,
    "inventory": INVENTORY,
    "payment": PAYMENT,
    "shipping": SHIPPING,
    "notification": NOTIFICATION,
}


class Run:
    """Services, and what they have exported of a load in both modes that has ended."""

    def __init__(self, services, receiver, link_only):
        self.services, self.link_only, self._receiver = services, link_only, receiver

    @property
    def spans(self):
        return self._receiver.spans()

    def cause(self, span):
        """What comes before: the parent, or, with links only, what a handling is linked to."""
        return span.parent or next(iter(span.links), None)

    def broken(self):
        return [(rule, span) for rule, span in broken_rules(self)]

    def is_whole(self):
        roots = [span for span in self.spans.values() if span.name == "saga order"]
        return len(roots) == ORDERS and not self.broken()

    def has_settled(self):
        """Wait until every span is told; what is wrong until then is said."""
        try:
            eventually(self.is_whole, "every span is told", PATIENCE)
        except AssertionError as error:
            raise AssertionError(self.broken()[:3]) from error


def broken_rules(run):
    """Whatever does not fit together: `(rule, span)`."""
    spans = run.spans
    handled = Counter((message_of(span), span.service) for span in handlings(spans))
    for span in spans.values():
        for rule, holds in of_one(run, span, spans):
            if not holds:
                yield rule, span
        for service in readers(span):
            if handled[message_of(span), service] != 1:
                yield f"{service} tells once of handling it, though it was sent twice", span
    for saga, count in Counter((saga_of(span), span.at.span) for span in spans.values()).items():
        if count != 1:
            yield "an id is one span of a saga, whatever its trace", saga
    for saga, count in Counter(map(saga_of, roots(spans))).items():
        if count != 1:
            yield "a saga has one root", saga


def handlings(spans):
    """Without the tries that came to nothing yet."""
    tries = (span for span in spans.values() if span.name.startswith("process "))
    return (span for span in tries if "saga.put_off" not in span.tags)


def readers(span):
    """Whoever acts upon what is sent, or keeps it for a join; the same question in both modes."""
    if not span.name.startswith("send "):
        return
    kind, mode = span.tags["saga.step"], span.tags["saga.mode"]
    for service, playbook in PLAYBOOKS.items():
        if kind in playbook.handlers or (mode == Mode.CHOREOGRAPHY and kind in playbook.reactions):
            yield service
    if mode == Mode.ORCHESTRATION and kind in ORDER.events:
        yield "orchestrator"


def of_one(run, span, spans):
    yield "it ends after it began", span.end_ns >= span.start_ns
    yield "its links are there", all(link in spans for link in span.links)
    yield "it says of its saga what all say", of_its_saga(span) == SAID[span.name.split()[0]]
    if span.name == "saga order":
        yield "a root has no cause", run.cause(span) is None
        return
    cause = spans.get(run.cause(span))
    yield "its cause is there", cause is not None
    if cause is None:
        return
    yield "it is of the same saga", saga_of(cause) == saga_of(span)
    yield "it does not begin before its cause", span.start_ns >= cause.start_ns
    if span.name == "admit order":
        yield "it lies within the saga", span.end_ns <= cause.end_ns
    if cause.name.startswith("process "):
        yield "it is sent while its cause is handled", span.start_ns <= cause.end_ns
    if span.name.startswith("process "):
        yield "it is linked to what sent it, and to nothing else", len(span.links) == 1
        yield "it handles what was sent", cause.name == span.name.replace("process ", "send ")
        yield "it is the same message", message_of(cause) == message_of(span)
        yield "it has a parent unless it is linked only", (span.parent is None) == run.link_only
        yield "its link is its parent, if it has one", span.parent in (None, span.links[0])
        another = span.at.trace != cause.at.trace
        yield "linked only, it is another trace; else the same", another == run.link_only


SAGA = {"saga.id", "saga.mode", "saga.epoch"}
STEP = SAGA | {"saga.step", "saga.attempt"}
SAID = {
    "saga": SAGA,
    "admit": STEP,
    "timeout": STEP,
    "send": STEP,
    "process": STEP | {"saga.direction"},
}


def of_its_saga(span):
    """But for what only some of them have to say. A try that was put off has no direction yet."""
    own = {name for name in span.tags if name in STEP | {"saga.direction"}}
    return own | ({"saga.direction"} if "saga.put_off" in span.tags else set())


def roots(spans):
    return (span for span in spans.values() if span.name == "saga order")


def saga_of(span):
    return span.tags["saga.id"]


def message_of(span):
    return span.tags["messaging.message.id"]


@pytest.fixture(scope="module", params=[False, True], ids=["parents", "links only"])
def run(request, infra, tmp_path_factory):
    forget_everything(infra.kafka.bootstrap)
    folder = tmp_path_factory.mktemp("logs")
    with (
        a_database(infra.postgres.url) as url,
        receiving() as receiver,
        pytest.MonkeyPatch.context() as environment,
        processes(url, infra.kafka.bootstrap, folder) as make,
    ):
        environment.setenv("OTEL_TRACES_SAMPLER", "always_on")
        environment.setenv("OTEL_BSP_SCHEDULE_DELAY", "500")
        environment.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        only = str(request.param).lower()
        made = all_started([make(name, trace_link_only=only) for name in SERVICES])
        services = {each.name: each for each in made}
        switched(services["order"], Mode.CHOREOGRAPHY, 50)
        services["inventory"].put_faults(LATE_STOCK)
        door = Door(f"http://{LOOPBACK}:{services['order'].port}")
        load = Load(mix(ORDERS, SEED, DOOMED), door, Database(url))
        load.open(RATE, SEED, Bars(ORDERS), PATIENCE)
        eventually(lambda: not coordination(services["order"])["open"], "every saga is closed")
        yield Run(services, receiver, request.param)
    forget_everything(infra.kafka.bootstrap)


def test_no_span_is_an_orphan_and_no_link_is_broken(run):
    """Every cause and every link leads to a span that was exported, in both modes."""
    run.has_settled()
    modes = {saga_of(root): root.tags["saga.mode"] for root in roots(run.spans)}
    assert set(modes.values()) == set(Mode)
    undone = {
        span.tags["saga.mode"]
        for span in run.spans.values()
        if span.tags.get("saga.direction") == "backward"
    }
    assert undone == set(Mode)


def test_a_saga_is_one_trace_with_parents_and_many_with_links_only(run):
    run.has_settled()
    traces = {}
    for span in run.spans.values():
        traces.setdefault(saga_of(span), set()).add(span.at.trace)
    assert len(traces) == ORDERS
    assert all((len(each) > 1) == run.link_only for each in traces.values())


def test_a_saga_is_drawn_as_one_tree_either_way(run):
    """As `bandstand trace` does it: where a span has no parent, its link is one."""
    run.has_settled()
    sagas = {}
    for span in run.spans.values():
        sagas.setdefault(saga_of(span), []).append(as_the_lab_reads_it(run, span))
    for spans in sagas.values():
        tree = grow(spans)
        found = measure(tree)
        assert (found.orphans, found.spans) == (0, len(spans))
        assert sum(1 for _ in tree.walk()) == len(spans)
        assert found.hops > 0
        assert found.critical_path[0] == "saga order"


def test_an_order_is_rejected_once_though_its_items_are_refused_after_its_card(run):
    """Inventory hears of the declined card before it reserves: nothing is held, twice over."""
    run.has_settled()
    sends = [span for span in run.spans.values() if span.name.startswith("send ")]
    sent = Counter((saga_of(span), span.tags["saga.step"]) for span in sends)
    twice = {saga for saga, event in sent if event == "StockRejected"}
    twice &= {saga for saga, event in sent if event == "StockReleased"}
    assert twice
    assert {sent[saga, "OrderRejected"] for saga in twice} == {1}


def as_the_lab_reads_it(run, span):
    cause = run.cause(span)
    return Span(
        id=span.at.span,
        parent=cause and cause.span,
        name=span.name,
        service=span.service,
        start_us=span.start_ns // 1000,
        end_us=span.end_ns // 1000,
        tags=span.tags,
        trace=span.at.trace,
    )


def test_a_service_tells_the_trace_of_an_order_as_an_exemplar(run):
    """In OpenMetrics, at its own /metrics; and the trace is there."""
    run.has_settled()
    answer = run.services["order"].http.get("/metrics")
    assert answer.headers["content-type"] == CONTENT_TYPE
    named = exemplars(answer, "bandstand_order_duration_seconds_bucket")
    assert {mode for mode, _ in named} == set(Mode)
    rooted = {(root.tags["saga.mode"], root.at.trace) for root in roots(run.spans)}
    assert named <= rooted


def exemplars(answer: httpx.Response, metric: str):
    """`(mode, trace)` of each dot."""
    return {
        (sample.labels["mode"], sample.exemplar.labels["trace_id"])
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == metric and sample.exemplar
    }
