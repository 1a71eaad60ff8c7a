"""What does it cost to have a conductor, and what to have none?"""

from observability.dashboards.panel import MODE, Panel, board, by_mode, quantile, query, series

DURATION = "bandstand_order_duration_seconds"


def _quantile(percent: int) -> Panel:
    why = (
        f"{percent} % of the orders ended faster than this, less the time for which a rule held "
        "them. A dot, in Grafana, leads to a trace."
    )
    expr = quantile(percent / 100, DURATION, "mode")
    return series(f"Latency p{percent}", "s", [query(expr, "{{mode}}", exemplars=True)], why)


CUSTOMERS = [
    series(
        "Orders ended",
        "ops",
        [
            query(
                f"mode_outcome:bandstand_orders_ended:rate1m{{{MODE}}}",
                "{{mode}} {{outcome}}",
            )
        ],
        "Of the same load each mode gets its weight's share.",
    ),
    series(
        "Failing",
        "percentunit",
        [by_mode("mode:bandstand_orders_failed:ratio5m")],
        "Rejected for a reason of ours. The objective allows 1 %.",
    ),
    series(
        "Slow",
        "percentunit",
        [by_mode("mode:bandstand_orders_slow:ratio5m")],
        "Longer than two seconds, holds not counted. The objective allows 1 %.",
    ),
]
COST = [
    series(
        "Messages per order",
        "short",
        [by_mode("mode:bandstand_messages_per_order:ratio5m")],
        "A conductor asks and is answered; in a jazz band everybody only tells.",
    ),
    series(
        "Bytes per order",
        "bytes",
        [by_mode("mode:bandstand_bytes_per_order:ratio5m")],
        "Values and headers, as published.",
    ),
    series(
        "Transactions per order, both modes",
        "short",
        [query("bandstand_transactions_per_order:ratio5m", "both modes")],
        "A batch is one transaction and mixes modes: the more load, the fewer.",
    ),
]
TIME = [
    series(
        "Waiting per order",
        "s",
        [by_mode("mode:bandstand_queue_seconds_per_order:ratio5m")],
        "From a message's sending to its handling: outbox, broker, and reader's queue.",
    ),
    series(
        "Working per order",
        "s",
        [by_mode("mode:bandstand_work_seconds_per_order:ratio5m")],
        "From its handling to the commit. What is batched together waits together.",
    ),
]
TROUBLE = [
    series(
        "Compensations per order",
        "short",
        [by_mode("mode:bandstand_compensations_per_order:ratio5m")],
        "Commands of a way back, also where there was nothing to undo. A rejected order has up to "
        "three; one that is cancelled, or asked about again, has more.",
    ),
    series(
        "Retries",
        "ops",
        [query(f"mode_why:bandstand_retries:rate5m{{{MODE}}}", "{{mode}} {{why}}")],
        "Messages put off for another try.",
    ),
    series(
        "Duplicates dropped",
        "ops",
        [by_mode("mode:bandstand_duplicates_dropped:rate5m")],
        "Messages that the inbox knew already: what at-least-once costs. Also a fact that the band "
        "tells for two causes, as stock released for a cancellation and for a declined card.",
    ),
]
COMPARE = board(
    "compare",
    "Compare",
    "The same orders with a conductor and without: how fast, at what cost, and where time goes?",
    [
        ("What customers see", CUSTOMERS),
        ("Latency", [_quantile(50), _quantile(95), _quantile(99)]),
        ("What an order costs", COST),
        ("Where the time goes, all steps added up", TIME),
        ("When things go wrong", TROUBLE),
    ],
)
