"""Is it safe to switch, has it worked, and is the old mode empty?"""

from observability.dashboards.panel import Dashboard, Panel, Query, by_mode

PLACED = "mode:bandstand_orders_placed:rate1m"

SWITCH = Dashboard(
    "bandstand-switch",
    "Bandstand / Switch",
    "From one mode to the other: who gets new orders, and what is left of the old mode?",
    [
        (
            "Admission",
            [
                Panel(
                    "Share of new orders",
                    "percentunit",
                    [by_mode(f"{PLACED} / ignoring (mode) group_left sum({PLACED})")],
                    "What the weights came to. A switch is a step, within one scrape.",
                    stacked=True,
                ),
                Panel("New orders", "ops", [by_mode(PLACED)], "A switch must leave no gap here."),
                Panel(
                    "Answers to orders",
                    "ops",
                    [
                        Query(
                            "sum by (status) (rate(bandstand_http_request_duration_seconds_count"
                            '{method="POST",route="/orders"}[1m]))',
                            "{{status}}",
                        )
                    ],
                    "202 is accepted. Nobody may be turned away because of a switch.",
                ),
            ],
        ),
        (
            "Drain",
            [
                Panel(
                    "Open sagas by epoch",
                    "short",
                    [
                        Query(
                            "max by (mode, epoch) (bandstand_sagas_open)",
                            "{{mode}} epoch {{epoch}}",
                        )
                    ],
                    "Each switch begins an epoch. An old one's line must fall to nothing.",
                ),
                Panel(
                    "Change of open sagas",
                    "short",
                    [by_mode("mode:bandstand_sagas_open:deriv5m")],
                    "Per second. Below zero while a mode drains.",
                ),
                Panel(
                    "Oldest open saga",
                    "s",
                    [by_mode("mode:bandstand_sagas_oldest_age_seconds:max")],
                    "What a drain waits for.",
                ),
            ],
        ),
        (
            "May it go on?",
            [
                Panel(
                    "Failing",
                    "percentunit",
                    [by_mode("mode:bandstand_orders_failed:ratio5m")],
                    "The new mode must not be worse than the old one.",
                ),
                Panel(
                    "Latency p99",
                    "s",
                    [by_mode("mode:bandstand_order_duration_seconds:p99_1m")],
                    "The new mode must not be worse than the old one.",
                ),
                Panel(
                    "Unsent and parked messages",
                    "short",
                    [
                        Query("sum(bandstand_outbox_pending)", "unsent"),
                        Query("sum(bandstand_parked_messages)", "wait for another try"),
                    ],
                    "An old mode is empty when nothing of it is on its way.",
                ),
            ],
        ),
    ],
)
