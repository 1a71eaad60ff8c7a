"""How does one mode do? The same panels for both, but for what only one of them has."""

from observability.dashboards.panel import Dashboard, Panel, Query


def _of_mode(uid: str, title: str, question: str, mode: str, own: Panel) -> Dashboard:
    chosen = f'mode="{mode}"'
    return Dashboard(
        uid,
        title,
        question,
        [
            ("Sagas", [_ended(chosen), _open(chosen), _oldest(chosen)]),
            ("Steps", [_latency(chosen), _waiting(chosen), _working(chosen)]),
            ("Messages", [own, _way_back(chosen), _trouble(chosen)]),
        ],
    )


def _ended(mode: str) -> Panel:
    expr = f"sum by (outcome, reason) (rate(bandstand_orders_ended_total{{{mode}}}[1m]))"
    why = "By outcome, and by reason where there is one."
    return Panel("Orders ended", "ops", [Query(expr, "{{outcome}} {{reason}}")], why, stacked=True)


def _open(mode: str) -> Panel:
    queries = [
        Query(f"mode:bandstand_sagas_open:max{{{mode}}}", "open"),
        Query(f"max(bandstand_sagas_stuck{{{mode}}})", "stuck"),
    ]
    return Panel("Open sagas", "short", queries, "Stuck ones have been asked five times or more.")


def _oldest(mode: str) -> Panel:
    expr = f"mode:bandstand_sagas_oldest_age_seconds:max{{{mode}}}"
    return Panel("Oldest open saga", "s", [Query(expr, "age")], "A line that climbs at 45° is one.")


def _latency(mode: str) -> Panel:
    name = "mode:bandstand_order_duration_seconds"
    queries = [Query(f"{name}:p{each}_1m{{{mode}}}", f"p{each}") for each in (50, 95, 99)]
    return Panel("Latency", "s", queries, "From admission to the order's end.")


def _waiting(mode: str) -> Panel:
    rate = f"sum by (step, le) (rate(bandstand_step_queue_seconds_bucket{{{mode}}}[1m]))"
    query = Query(f"histogram_quantile(0.95, {rate})", "{{step}}")
    why = "From sending to handling, p95: the first to climb names the reader that is behind."
    return Panel("Waiting by step", "s", [query], why)


def _working(mode: str) -> Panel:
    duration = f"rate(bandstand_step_duration_seconds_sum{{{mode}}}[1m])"
    queue = f"rate(bandstand_step_queue_seconds_sum{{{mode}}}[1m])"
    count = f"rate(bandstand_step_duration_seconds_count{{{mode}}}[1m])"
    expr = f"sum by (step) ({duration} - {queue}) / sum by (step) ({count})"
    why = "From handling to commit, mean: third party, decision, transaction."
    return Panel("Working by step", "s", [Query(expr, "{{step}}")], why)


def _published(title: str, mode: str, topics: str, why: str) -> Panel:
    chosen = f'mode="{mode}",topic=~"{topics}"'
    expr = f"sum by (topic) (rate(bandstand_messages_published_total{{{chosen}}}[1m]))"
    return Panel(title, "ops", [Query(expr, "{{topic}}")], why, stacked=True)


def _way_back(mode: str) -> Panel:
    expr = f"sum by (command) (rate(bandstand_compensations_total{{{mode}}}[1m]))"
    return Panel("Way back", "ops", [Query(expr, "{{command}}")], "What was undone.", stacked=True)


def _trouble(mode: str) -> Panel:
    queries = [
        Query(f"mode_why:bandstand_retries:rate5m{{{mode}}}", "retry: {{why}}"),
        Query(f"mode:bandstand_duplicates_dropped:rate5m{{{mode}}}", "duplicate"),
        Query(
            f"sum by (fault) (rate(bandstand_faults_total{{{mode}}}[5m]))",
            "injected: {{fault}}",
        ),
    ]
    return Panel("Trouble", "ops", queries, "Nothing here is the good case.")


ORCHESTRA = _of_mode(
    "bandstand-orchestra",
    "Bandstand / Orchestra",
    "With a conductor: where do sagas stand, which step is slow, what does the conductor ask for?",
    "orchestration",
    _published(
        "Commands",
        "orchestration",
        ".*[.]commands",
        "What the orchestrator asks for. It is the only one that sends commands.",
    ),
)
JAZZ_BAND = _of_mode(
    "bandstand-jazz-band",
    "Bandstand / Jazz band",
    "Without a conductor: where do sagas stand, whom does everybody wait for, who says what?",
    "choreography",
    _published(
        "Events", "choreography", ".*[.]events", "What everybody tells; who listens acts on it."
    ),
)
