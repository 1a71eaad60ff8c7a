"""Is it the coordination, or what both modes stand on?"""

from observability.dashboards.panel import MODE, board, query, series

LAG = f"bandstand_consumer_lag_messages{{{MODE}}}"
PUBLISHED = f"bandstand_messages_published_total{{{MODE}}}"
TRANSACTION = "bandstand_transaction_duration_seconds"
REQUEST = "bandstand_http_request_duration_seconds"
OURS = '{job="bandstand"}'  # every process that is scraped has such metrics


def _p95(metric: str, by: str) -> str:
    return f"histogram_quantile(0.95, sum by ({by}, le) (rate({metric}_bucket[1m])))"


KAFKA = [
    series(
        "Unread messages",
        "short",
        [query(f"sum by (group, mode) ({LAG})", "{{group}}, {{mode}}")],
        "By who reads. A line that goes on climbing is a reader that does not keep up.",
    ),
    series(
        "Unread messages by topic",
        "short",
        [query(f"sum by (topic) ({LAG})", "{{topic}}")],
        "The same by what is read.",
    ),
    series(
        "Messages published",
        "ops",
        [query(f"sum by (topic) (rate({PUBLISHED}[1m]))", "{{topic}}")],
        "What the broker has acknowledged.",
        stacked=True,
    ),
]
OUTBOX = [
    series(
        "Unsent messages",
        "short",
        [query("max by (service) (bandstand_outbox_pending)", "{{service}}")],
        "Committed, and not acknowledged by the broker. A look a second: most are sent by then.",
    ),
    series(
        "Sent late",
        "ops",
        [query("sum by (service) (rate(bandstand_outbox_resent_total[5m]))", "{{service}}")],
        "Published by a sweep: left over from a crash, or from a broker that was away.",
    ),
    series(
        "Put off and dead",
        "short",
        [
            query("max by (service) (bandstand_parked_messages)", "put off: {{service}}"),
            query("sum by (topic) (bandstand_dead_letters_total)", "dead: {{topic}}"),
        ],
        "Wait for another try, and could not be handled at all.",
    ),
]
POSTGRES = [
    series(
        "Transactions, p95",
        "s",
        [query(_p95(TRANSACTION, "service, purpose"), "{{service}} {{purpose}}")],
        "From BEGIN to COMMIT. All at once: the server. One alone: its statements or its locks.",
    ),
    series(
        "Transactions",
        "ops",
        [query(f"sum by (service) (rate({TRANSACTION}_count[1m]))", "{{service}}")],
        "The more load, the more messages share one.",
        stacked=True,
    ),
    series(
        "Connections of the HTTP handlers",
        "short",
        [
            query("sum by (service, state) (bandstand_pool_connections)", "{{service}} {{state}}"),
            query("sum by (service) (bandstand_pool_waiting)", "{{service}} waits"),
        ],
        "Up to four a process. Who waits for one longer than three seconds is turned away.",
    ),
]
PROCESSES = [
    series(
        "CPU",
        "percentunit",
        [query(f"sum by (service) (rate(process_cpu_seconds_total{OURS}[1m]))", "{{service}}")],
        "Of one core. A Python process cannot use much more than one.",
        stacked=True,
    ),
    series(
        "Memory",
        "bytes",
        [query(f"sum by (service) (process_resident_memory_bytes{OURS})", "{{service}}")],
        "Resident. It should be flat.",
    ),
    series(
        "Starts",
        "short",
        [query("max by (service, instance) (bandstand_incarnation)", "{{service}} {{instance}}")],
        "A step is a restart.",
    ),
    series(
        "HTTP requests, p95",
        "s",
        [query(_p95(REQUEST, "service"), "{{service}}")],
        "Every request, the scrapes included.",
    ),
]
PLUMBING = board(
    "plumbing",
    "Plumbing",
    "Is it the coordination, or what both modes stand on: broker, outbox, database, processes?",
    [
        ("Kafka", KAFKA),
        ("Outbox", OUTBOX),
        ("PostgreSQL, as the services see it", POSTGRES),
        ("Processes", PROCESSES),
    ],
)
