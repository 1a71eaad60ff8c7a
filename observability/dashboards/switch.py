"""Is it safe to switch, has it worked, and is the old mode empty?

The route's weights and epoch are told by the order service, whoever has set them. What a switch is
at and how it is judged is known to the operator alone, and to nobody where none runs.
"""

from observability.dashboards.panel import MODE, board, by_mode, quantile, query, series

PLACED = "mode:bandstand_orders_placed:rate1m"
ANSWERS = 'bandstand_http_request_duration_seconds_count{method="POST",route="/orders"}'

OPERATOR = "Told by the operator; empty where none runs, as on a laptop."


def _of_all(metric: str) -> str:
    """Of all services; a service's replicas tell the same of their common database."""
    return f"sum(max by (service) ({metric}))"


ROUTE = [
    series(
        "Weights",
        "percentunit",
        [query(f"max by (mode) (bandstand_route_share_ratio{{{MODE}}})", "{{mode}}")],
        "What the route gives each mode of the new orders. A switch is a step.",
        stacked=True,
    ),
    series(
        "Epoch",
        "none",
        [query("max(bandstand_route_epoch)", "epoch")],
        "Each change of the weights begins one, and each order keeps its own.",
    ),
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
]
ADMISSION = [
    series("New orders", "ops", [by_mode(PLACED)], "A switch must leave no gap here."),
    series(
        "Answers to orders, both modes",
        "ops",
        [query(f"sum by (status) (rate({ANSWERS}[1m]))", "{{status}}")],
        "202 is accepted. Nobody may be turned away because of a switch.",
    ),
]
STEPS = [
    series(
        "What is asked for, and how far it is",
        "none",
        [
            query(f"max by (mode) (bandstand_operator_target{{{MODE}}} == 1)", "to {{mode}}"),
            query("max by (phase) (bandstand_operator_phase == 1)", "{{phase}}"),
        ],
        f"The mode that the Coordination names, and the phase of the way there. {OPERATOR}",
        stacked=True,
    ),
    series(
        "Steps",
        "none",
        [
            query("max(bandstand_operator_step)", "reached"),
            query("max(bandstand_operator_steps)", "of these"),
        ],
        f"Each gives the new mode more weight once the last has passed. {OPERATOR}",
    ),
    series(
        "Verdicts",
        "none",
        [
            query(
                "max by (metric, verdict) (bandstand_operator_verdict == 1)",
                "{{metric}}: {{verdict}}",
            )
        ],
        f"On the new mode, by each metric of the analysis, in this step. {OPERATOR}",
        stacked=True,
    ),
    series(
        "Drain, as the operator sees it",
        "short",
        [
            query(
                f"max by (mode, what) (bandstand_operator_left{{{MODE}}})",
                "{{what}}: {{mode}}",
            )
        ],
        f"A mode is empty when all four of its lines are at nothing. {OPERATOR}",
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
            query(_of_all("bandstand_outbox_pending"), "unsent, both modes"),
            query(_of_all("bandstand_parked_messages"), "put off, both modes"),
        ],
        "An old mode is empty when nothing of it is on its way.",
    ),
]
SWITCH = board(
    "switch",
    "Switch",
    "From one mode to the other: who gets new orders, and what is left of the old mode?",
    [
        ("The route", ROUTE),
        ("Admission", ADMISSION),
        ("The operator's steps and verdicts", STEPS),
        ("Drain", DRAIN),
        ("May it go on?", VERDICT),
    ],
)
