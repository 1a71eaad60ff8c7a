"""Traces of real sagas, told to a real Zipkin and read back: whole, and different by mode."""

import json
import shutil
import tempfile
from pathlib import Path

import pytest

from lab.api import Api
from lab.cli import main
from lab.stack.home import Home
from lab.stack.options import StackOptions
from lab.stack.run import running_stack
from lab.traces.find import MODES
from tests.integration.waiting import eventually

ORDERS = 60


@pytest.fixture(scope="module")
def traced():
    """A stack of which every saga is traced, after a load in both modes."""
    folder = Path(tempfile.mkdtemp(prefix="bandstand-test-")).resolve()
    folder.chmod(0o711)
    options = StackOptions(known_ports=False, traces=True)
    try:
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("OTEL_TRACES_SAMPLER", "always_on")
            environment.setenv("BANDSTAND_HOME", str(folder))
            with running_stack(options, home=Home(folder)) as running:
                if running.stack.traces is None:
                    pytest.skip("there is no Java and Maven to have Zipkin from")
                assert main(["switch", "orchestration", "--weight", "50"]) == 0
                load = ["load", "--orders", str(ORDERS), "--rate", "30", "--doomed", "20"]
                assert main(load) == 0
                yield running.stack
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def bandstand(traced, capsys):
    def run(*arguments):
        capsys.readouterr()
        code = main([*arguments])
        return code, capsys.readouterr().out

    return run


@pytest.fixture
def compared(bandstand):
    """Both modes, once the last spans have arrived."""

    def whole():
        code, printed = bandstand("trace", "compare", "--last", str(ORDERS), "--json")
        modes = json.loads(printed)["modes"] if code == 0 else {}
        whole = sum(each["traces"] for each in modes.values()) == ORDERS
        return modes if whole and not any(each["orphans"] for each in modes.values()) else None

    return eventually(whole, "a whole trace of every order", 20)


def test_every_saga_has_one_trace_and_no_orphan(compared):
    assert set(compared) == set(MODES)
    assert sum(each["traces"] for each in compared.values()) == ORDERS


def test_a_conductor_takes_more_hops_and_more_spans(compared):
    orchestra, band = (compared[mode] for mode in MODES)
    assert orchestra["hops"] > band["hops"]
    assert orchestra["spans"] > band["spans"]
    assert len(orchestra["services"]) == 6
    assert len(band["services"]) == 5


def test_the_times_add_up_and_the_path_ends_where_the_saga_began(compared):
    for each in compared.values():
        times = each["time_ms"]
        assert times["database"] is None
        assert 0 < times["work"] < each["total_ms"]
        assert each["critical_path"][0] == "saga order"
        assert each["critical_path"][-1].startswith("order ")


def test_one_order_is_drawn_and_its_page_is_there(bandstand, traced, compared):
    code, printed = bandstand("trace", "compare", "--last", "1")
    assert code == 0
    assert "hops on the critical path" in printed
    with Api(traced.services["order"].url) as order:
        order_id = order.get("/orders?limit=1", dict)["orders"][0]["id"]
    code, printed = bandstand("trace", order_id)
    assert code == 0
    assert "saga order" in printed
    assert f"{traced.traces}/zipkin/traces/" in printed
