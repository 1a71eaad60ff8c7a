"""What a soak says of growth, of latency over the minutes, and of failure."""

import os

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from lab.load.summary import ModeSummary, Summary
from lab.quantiles import Quantiles
from lab.soak import tables
from lab.soak.memory import Memory, living
from lab.soak.results import result
from lab.soak.trend import FEWEST, ProcessTrend, Trend, by_process, over_minutes, settled, trend
from lab.soak.weather import MINUTE_SECONDS, MOST, forecast
from lab.verify.invariants import Verdict
from services.kit.faults import Fault

NAMES = ("order-0", "shipping-0")
HOLDS = Verdict("stock adds up", 9, 0)


def line(per_minute, seconds=600, start=50.0):
    return [(float(at), start + per_minute * at / 60) for at in range(0, seconds, 10)]


def a_load(p50=20.0, **sums):
    latency = Quantiles(200, p50, p50 * 2, p50 * 3)
    mode = ModeSummary(200, 190, 10, {"refused": 10}, latency, 3.0)
    known = {"lost": 0, "unended": 0, "duplicated": 0, **sums}
    return Summary(200, 200, 0, 0, latency, {"choreography": mode}, **known)


def a_soak(*loads, quiet=True, invariants=(HOLDS,)):
    played = [(forecast(1, minute, NAMES), load) for minute, load in enumerate(loads)]
    memory = [ProcessTrend("order-0", 2, 300.0, Trend(60, 50.0, 51.0, 0.1))]
    return result(1, 16, played, memory, quiet, list(invariants))


@given(st.floats(-5, 5), st.floats(10, 100))
def test_a_straight_line_is_known_by_its_slope(per_minute, start):
    found = trend(line(per_minute, start=start))
    assert found.per_minute == pytest.approx(per_minute, abs=1e-3)
    assert found.first == pytest.approx(start, abs=0.01)


def test_noise_does_not_look_like_growth():
    noisy = [(at, value + (-1) ** index) for index, (at, value) in enumerate(line(0.0))]
    assert abs(trend(noisy).per_minute) < 0.05


@pytest.mark.parametrize("samples", range(FEWEST))
def test_too_few_samples_have_no_slope(samples):
    found = trend(line(1.0)[:samples])
    assert (found.samples, found.per_minute) == (samples, None)


def test_a_first_minute_of_filling_caches_is_no_growth():
    filling = [(float(at), float(at)) for at in range(0, 60, 5)]
    flat = [(float(at), 60.0) for at in range(60, 600, 5)]
    assert trend(settled([*filling, *flat])).per_minute == 0.0


def test_of_a_short_life_the_first_third_is_left_out():
    assert settled(line(1.0, seconds=61))[0][0] == 20.0
    assert settled([]) == []


def test_a_killed_process_is_judged_by_its_longest_life():
    lives = {
        ("order-0", 1): line(9.0, seconds=60),
        ("order-0", 2): line(0.0, seconds=400),
        ("kafka", 3): line(1.0, seconds=500),
    }
    kafka, order = by_process(lives)
    assert (kafka.process, kafka.lives, kafka.mib.per_minute) == ("kafka", 1, 1.0)
    assert (order.process, order.lives, order.mib.per_minute) == ("order-0", 2, 0.0)


def test_minutes_without_a_figure_are_left_out_of_the_line():
    assert over_minutes([10.0, None, 12.0, 13.0, 14.0, 15.0]).per_minute == pytest.approx(1.0)


def test_memory_of_a_living_process_is_sampled_and_of_a_missing_one_it_is_not():
    memory = Memory(lambda: {"me": os.getpid(), "nobody": 2**22})
    for _ in range(FEWEST):
        memory.sample()
    (me,) = memory.trends()
    assert (me.process, me.lives) == ("me", 1)
    assert me.mib.last > 1
    assert living({"up": 7, "restarting": 0}) == {"up": 7}


@given(st.integers(0, 2**16), st.integers(1, 240))
def test_a_seed_brings_the_same_weather_with_one_kill_well_inside_the_minute(seed, minute):
    weather = forecast(seed, minute, NAMES)
    assert weather == forecast(seed, minute, tuple(reversed(NAMES)))
    assert weather.victim in NAMES
    assert 0 < weather.kill_at < MINUTE_SECONDS * 0.7
    assert all(0 < rule.percent <= MOST[rule.fault] for rule in weather.catalogue.rules)


def test_every_fault_and_every_victim_has_its_turn():
    seen = [forecast(1, minute, NAMES) for minute in range(30)]
    assert {rule.fault for each in seen for rule in each.catalogue.rules} == set(MOST) <= set(Fault)
    assert {each.victim for each in seen} == set(NAMES)


def test_latency_is_followed_from_minute_to_minute():
    found = a_soak(*(a_load(p50) for p50 in (20.0, 21.0, 22.0, 23.0, 24.0)))
    assert found.latency_ms["choreography"].per_minute == pytest.approx(1.0)
    assert (found.orders, found.failures) == (1_000, [])


def test_whatever_went_wrong_is_a_failure():
    broken = Verdict("money adds up", 9, 1, "x")
    found = a_soak(a_load(), a_load(lost=1), quiet=False, invariants=(HOLDS, broken))
    assert found.failures == [
        "minute 2: 1 lost, 0 not ended, 0 duplicated",
        "it did not get quiet",
        "does not hold: money adds up",
    ]


def test_the_tables_tell_each_minute_and_each_process():
    found = a_soak(a_load(), a_load())
    console = Console(width=200)
    with console.capture() as captured:
        console.print(tables.minutes(found))
        console.print(tables.memory(found.memory))
    told = captured.get()
    assert "20.0 / 60.0" in told
    assert "too short" in told
    assert "+0.10 MiB/min" in told
    assert msgspec.json.decode(msgspec.json.encode(found))["orders"] == 400
