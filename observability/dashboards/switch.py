"""Is it safe to switch, has it worked, and is the old mode empty?"""

from observability.dashboards.panel import MODE, board, by_mode, quantile, query, series

PLACED = "mode:bandstand_orders_placed:rate1m"
ANSWERS = 'bandstand_http_request_duration_seconds_count{method="POST",route="/orders"}'

ADMISSION = [
    series(
        "Share of new orders",
        "percentunit",
        [
            query(
                f"{PLACED}{{{MODE}}} / ignoring (mode) group_left sum({PLACED})",
                "{{mode}}",
            )
        ],
        "What the weights came to. A switch is a step, within one scrape.",
        stacked=True,
    ),
    series("New orders", "ops", [by_mode(PLACED)], "A switch must leave no gap here."),
    series(
        "Answers to orders, both modes",
        "ops",
        [query(f"sum by (status) (rate({ANSWERS}[1m]))", "{{status}}")],
        "202 is accepted. Nobody may be turned away because of a switch.",
    ),
]
DRAIN = [
    series(
        "Open sagas by epoch",
        "short",
        [
            query(
                f"max by (mode, epoch) (bandstand_sagas_open{{{MODE}}})",
                "{{mode}} epoch {{epoch}}",
            )
        ],
        "Each switch begins an epoch. An old one's line must fall to nothing.",
    ),
    series(
        "Change of open sagas",
        "short",
        [by_mode("mode:bandstand_sagas_open:deriv5m")],
        "Per second. Below zero while a mode drains.",
    ),
    series(
        "Oldest open saga",
        "s",
        [by_mode("mode:bandstand_sagas_oldest_age_seconds:max")],
        "What a drain waits for.",
    ),
]
VERDICT = [
    series(
        "Failing",
        "percentunit",
        [by_mode("mode:bandstand_orders_failed:ratio5m")],
        "The new mode must not be worse than the old one.",
    ),
    series(
        "Latency p99",
        "s",
        [
            query(
                quantile(0.99, "bandstand_order_duration_seconds", "mode"),
                "{{mode}}",
                exemplars=True,
            )
        ],
        "The new mode must not be worse than the old one.",
    ),
    series(
        "Unread, unsent and parked messages",
        "short",
        [
            query(
                f"sum by (mode) (bandstand_consumer_lag_messages{{{MODE}}})",
                "unread: {{mode}}",
            ),
            query("sum(bandstand_outbox_pending)", "unsent, both modes"),
            query("sum(bandstand_parked_messages)", "put off, both modes"),
        ],
        "An old mode is empty when nothing of it is on its way.",
    ),
]
SWITCH = board(
    "switch",
    "Switch",
    "From one mode to the other: who gets new orders, and what is left of the old mode?",
    [("Admission", ADMISSION), ("Drain", DRAIN), ("May it go on?", VERDICT)],
)
