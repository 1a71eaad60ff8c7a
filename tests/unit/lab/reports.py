"""A report of a run that never happened, with plausible figures."""

import math
from datetime import UTC, datetime

from lab.quantiles import Quantiles
from lab.report.model import (
    FaultCost,
    Faults,
    Machine,
    Misbehaviour,
    Mode,
    Moment,
    Policy,
    Report,
    Step,
    Stretch,
    Switch,
    Timeline,
    Whereabouts,
)
from lab.report.monitoring import CONDUCTED, TRACKED, UNTRACKED, Answers, Monitoring, Watched
from lab.report.panels import Drawn, Line
from lab.verify.invariants import INVARIANTS, Verdict

STEPS = (
    "StockReserved",
    "PaymentAuthorized",
    "ShipmentArranged",
    "PaymentCaptured",
    "StockShipped",
    "OrderConfirmed",
    "CustomerNotified",
)
PROCESSES = (
    "order-0",
    "inventory-0",
    "payment-0",
    "shipping-0",
    "notification-0",
    "kafka",
    "postgres",
)


def a_policy(points, skew, slipped, ignored):
    hasty = Misbehaviour(12, 0, 12, 0)
    return Policy(
        points=points,
        skew_seconds=skew,
        slipped=sum(slipped.values()),
        decision_us=24.0,
        bypasses_prevented=ignored.prevented,
        bypasses_detected=ignored.detected + hasty.detected,
        orders=180,
        denied=60,
        coverage=0.2,
        slipped_by_version=slipped,
        misbehaviour={"stale_policy": ignored, "unasked": hasty},
    )


def a_stretch(slow=1.0, loop="20 orders a second", orders=600):
    latency = Quantiles(orders, 21 * slow, 38 * slow, 61 * slow)
    return Stretch(
        loop=loop,
        orders=orders,
        confirmed=orders * 9 // 10,
        rejected=orders // 10,
        reasons={"out_of_stock": 20, "card_declined": 20, "not_serviceable": 20},
        latency_ms=latency,
        latency_curve_ms=[slow * (12 + p / 8 + math.exp((p - 60) / 10)) for p in range(1, 100)],
        reply_ms=Quantiles(orders, 4.0, 7.5, 15.0),
        throughput_per_s=312.0 / slow,
        messages_per_order=8.1 * slow,
        bytes_per_order=5213.0,
        offset_commits_per_order=0.4,
        transactions_per_order=9.3,
        batches_per_order=7.2,
        spans_per_order=17.0,
        cpu_ms_per_order=2.4 * slow,
        cpu_ms_per_order_by_process=dict.fromkeys(PROCESSES, 0.3 * slow),
        steps=[
            Step(name, Quantiles(orders, 4.0 * slow * (n + 1), 7.0 * slow * (n + 1), None))
            for n, name in enumerate(STEPS)
        ],
    )


def a_mode(slow=1.0):
    steady = a_stretch(slow)
    burst = a_stretch(slow, "64 orders open at any time")
    return Mode(
        orders=1200,
        confirmed=1080,
        rejected=120,
        latency_ms=steady.latency_ms,
        throughput_per_s=burst.throughput_per_s,
        messages_per_order=steady.messages_per_order,
        cpu_ms_per_order=burst.cpu_ms_per_order,
        steady=steady,
        burst=burst,
        whereabouts=Whereabouts(30, 24, 1.0, Quantiles(24, 3.0 * slow, 4.0 * slow, None)),
    )


def a_switch(lost=0):
    seconds = [n / 4 for n in range(200)]
    return Switch(
        switches=2,
        orders=1000,
        lost=lost,
        duplicated=0,
        stuck=0,
        drain_seconds=[3.2, 4.1],
        rate=25.0,
        moments=[
            Moment(15.0, "orchestration", 3, 3.2, 1.9),
            Moment(32.0, "choreography", 4, 4.1, 2.5),
        ],
        timeline=Timeline(
            seconds,
            {
                "orchestration": [3 if 15 < s < 34 else 0 for s in seconds],
                "choreography": [2 if s < 17 or s > 32 else 0 for s in seconds],
            },
        ),
    )


def a_watched(noticed_ms, said, word=None, **more):
    answers = {"asked": 12, "right": 12, "places": 1.0, "answer_ms": Quantiles(12, 3.1)}
    answers |= {"word": word}
    late = {"noticed": 12, "noticed_ms": Quantiles(12, noticed_ms), "said": [said]}
    lag = Quantiles(300, 40, 90)
    knows = {"known_share": 0.93, "current_share": 0.4, "lag_ms": lag}
    knows |= {"knower_cpu_ms_per_order": 2.4}
    costs = {"queries": 1, "series": 1614, "span_bytes_per_order": 9639.0}
    return Watched(**late, **answers, **(knows | costs | more))


def a_monitoring():
    word = Answers(12, 12, 2.0, Quantiles(12, 6.2))
    aside = {"known_share": 1.0, "knower_cpu_ms_per_order": None, "queries": 5}
    return Monitoring(
        fault="delay=100%:11000ms@ArrangeShipment",
        stalled={"orchestration": 11, "choreography": 13},
        orders=300,
        scattered=Answers(12, 12, 5.0, Quantiles(12, 17.3)),
        variants={
            UNTRACKED: a_watched(10_500.0, "order", **aside),
            TRACKED: a_watched(5_800.0, "ShipmentArranged", word, lag_ms=Quantiles(300, 400, 790)),
            CONDUCTED: a_watched(5_400.0, "ArrangeShipment", word),
        },
    )


def a_panel(title, unit):
    seconds = [2.0 * n for n in range(100)]
    lines = [
        Line(f"{mode} {outcome}", mode, seconds, [rate + math.sin(s / 9) for s in seconds])
        for mode, rate in (("orchestration", 18.0), ("choreography", 19.0))
        for outcome in ("confirmed", "rejected")
    ]
    return Drawn(title, "Of the same load each mode gets its share.", unit, lines)


def a_report(violations=0, lost=0):
    cost = FaultCost(Quantiles(600, 21.0, 38.0, 61.0), Quantiles(480, 30.0, 400.0, 2900.0))
    return Report(
        made_at=datetime(2026, 11, 23, 10, 0, tzinfo=UTC),
        seed=1,
        seconds=171.0,
        machine=Machine(2, "3.11.7", "Linux", "maven", "wheel"),
        modes={"orchestration": a_mode(1.5), "choreography": a_mode()},
        switch=a_switch(lost),
        faults=Faults(
            rules=["fail=3%", "delay=5%:300ms", "crash_after_commit=0.1%"],
            met={"orchestration": {"fail": 81, "delay": 150}, "choreography": {"fail": 92}},
            restarts={"payment-0": 2, "order-0": 1},
            repeated_requests=4,
            cost={"orchestration": cost, "choreography": cost},
        ),
        invariants=[
            Verdict(name.replace("_", " "), 3400, violations, "b1946ac9" if violations else None)
            for name in INVARIANTS
        ],
        policy={
            "orchestration": a_policy(1, 0.012, {"3": 0, "4": 0}, Misbehaviour(9, 9, 0, 0)),
            "choreography": a_policy(3, 0.019, {"7": 0, "8": 1}, Misbehaviour(8, 0, 7, 1)),
        },
        monitoring=a_monitoring(),
        panels=[a_panel("Orders ended", "ops"), a_panel("Slow", "percentunit")],
    )
