"""What a demo keeps of its traces, and what it says where there are none."""

import json
from types import SimpleNamespace

import msgspec
import pytest

from lab.cli import main
from lab.commands import demo
from lab.demo.traces import NoTracesError, gather, keep
from lab.traces import kept
from lab.traces.tree import grow
from tests.unit.lab.traces import MODES, a_chain

ORDERS = {mode: f"{number}" * 8 for number, mode in enumerate(MODES)}


def a_saga(mode, outcome="confirmed"):
    tags = {"saga.id": ORDERS[mode], "saga.mode": mode, "saga.outcome": outcome}
    own = [msgspec.structs.replace(span, tags={**span.tags, **tags}) for span in a_chain()]
    return grow([msgspec.structs.replace(span, trace=f"{mode} {outcome}") for span in own])


def a_stack(tmp_path, *trees):
    """Its backend is a file, as that of an earlier demo is."""
    kept.save(trees, tmp_path / "backend.json")
    return SimpleNamespace(traces=str(tmp_path / "backend.json"))


def test_of_each_mode_the_confirmed_orders_of_this_demo_are_kept(tmp_path):
    stack = a_stack(tmp_path, *map(a_saga, MODES), a_saga(MODES[0], "rejected"))
    modes, page = keep(gather(stack, ORDERS.values()), tmp_path)
    assert [(mode, each.outcomes) for mode, each in modes.items()] == [
        (mode, {"confirmed": 1}) for mode in MODES
    ]
    assert page.is_file()
    written = json.loads((tmp_path / kept.FILE.name).read_bytes())
    assert set(written["modes"]) == set(MODES)


def test_orders_of_somebody_else_are_not(tmp_path):
    stack = a_stack(tmp_path, *map(a_saga, MODES))
    with pytest.raises(NoTracesError, match="of 1 orders none in choreography has one"):
        gather(stack, [ORDERS["orchestration"]])


@pytest.mark.parametrize(
    ("traces", "why"), [(None, "Zipkin does not run here"), ("gone.json", "no gone.json")]
)
def test_a_demo_without_traces_says_why(monkeypatch, traces, why):
    said = []
    monkeypatch.setattr(demo, "say", said.append)
    assert demo._gathered(SimpleNamespace(traces=traces), ["o-1"]) is None
    assert why in said[0]


def test_a_folder_in_the_place_of_a_file_is_misuse_and_no_traceback(tmp_path, capsys):
    kept.save([a_saga(mode) for mode in MODES], tmp_path / "traces.json")
    compare = ["trace", "compare", "--last", "1", "--from"]
    assert main([*compare, str(tmp_path)]) == 3
    assert "cannot be read: Is a directory" in capsys.readouterr().err
    assert main([*compare, str(tmp_path / "traces.json"), "--html", str(tmp_path)]) == 2
    assert "cannot be written: Is a directory" in capsys.readouterr().err


def test_a_trace_without_its_beginning_says_so(tmp_path, capsys):
    """Its root and what came late: nothing hangs in the air, and it is not the whole."""
    (root, *_, sent, handled) = a_saga(MODES[0]).all()
    late = grow([root[1], msgspec.structs.replace(sent[1], parent=root[1].id), handled[1]])
    kept.save([late], tmp_path / "traces.json")
    order = ORDERS[MODES[0]]
    uuid = f"{order[:8]}-0000-4000-8000-{order[:8]}0000"
    path = tmp_path / "traces.json"
    path.write_text(path.read_text().replace(order, uuid))
    assert main(["trace", uuid, "--from", str(path)]) == 0
    told = capsys.readouterr()
    assert "its beginning was not kept" in told.out + told.err
