"""What does it cost to have a conductor, and what to have none?"""

from observability.dashboards.panel import Dashboard, Panel, Query, by_mode

DURATION = "mode:bandstand_order_duration_seconds"


def _quantile(percent: int) -> Panel:
    why = f"{percent} % of the orders ended faster than this: from admission to their end."
    return Panel(f"Latency p{percent}", "s", [by_mode(f"{DURATION}:p{percent}_1m")], why)


COMPARE = Dashboard(
    "bandstand-compare",
    "Bandstand / Compare",
    "The same orders with a conductor and without: how fast, at what cost, and where time goes?",
    [
        (
            "What customers see",
            [
                Panel(
                    "Orders ended",
                    "ops",
                    [Query("mode_outcome:bandstand_orders_ended:rate1m", "{{mode}} {{outcome}}")],
                    "Of the same load each mode gets its weight's share.",
                ),
                Panel(
                    "Failing",
                    "percentunit",
                    [by_mode("mode:bandstand_orders_failed:ratio5m")],
                    "Rejected for a reason of ours. The objective allows 1 %.",
                ),
                Panel(
                    "Slow",
                    "percentunit",
                    [by_mode("mode:bandstand_orders_slow:ratio5m")],
                    "Longer than two seconds. The objective allows 1 %.",
                ),
            ],
        ),
        ("Latency", [_quantile(50), _quantile(95), _quantile(99)]),
        (
            "What an order costs",
            [
                Panel(
                    "Messages per order",
                    "short",
                    [by_mode("mode:bandstand_messages_per_order:ratio5m")],
                    "A conductor asks and is answered; in a jazz band everybody only tells.",
                ),
                Panel(
                    "Bytes per order",
                    "bytes",
                    [by_mode("mode:bandstand_bytes_per_order:ratio5m")],
                    "Values and headers, as published.",
                ),
                Panel(
                    "Transactions per order",
                    "short",
                    [Query("bandstand_transactions_per_order:ratio5m", "both modes")],
                    "A batch is one transaction and mixes modes: the more load, the fewer.",
                ),
            ],
        ),
        (
            "Where the time goes, all steps added up",
            [
                Panel(
                    "Waiting per order",
                    "s",
                    [by_mode("mode:bandstand_queue_seconds_per_order:ratio5m")],
                    "From a message's sending to its handling: outbox, broker, and reader's queue.",
                ),
                Panel(
                    "Working per order",
                    "s",
                    [by_mode("mode:bandstand_work_seconds_per_order:ratio5m")],
                    "From its handling to the commit. What is batched together waits together.",
                ),
            ],
        ),
        (
            "When things go wrong",
            [
                Panel(
                    "Compensations per order",
                    "short",
                    [by_mode("mode:bandstand_compensations_per_order:ratio5m")],
                    "Steps of a way back. A rejected order has up to three.",
                ),
                Panel(
                    "Retries",
                    "ops",
                    [Query("mode_why:bandstand_retries:rate5m", "{{mode}} {{why}}")],
                    "Messages put off for another try.",
                ),
                Panel(
                    "Duplicates dropped",
                    "ops",
                    [by_mode("mode:bandstand_duplicates_dropped:rate5m")],
                    "Messages that the inbox knew already: what at-least-once costs.",
                ),
            ],
        ),
    ],
)
