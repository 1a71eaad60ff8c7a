"""How does one mode do? The same panels for both, but for what only one of them has."""

from collections.abc import Sequence

from observability.dashboards.panel import Board, Panel, Query, Rows, board, quantile, query, series
from observability.dashboards.questions import CONCLUDED, CONDUCTED, TRACKED, Questions


def _of_mode(uid: str, title: str, question: str, mode: str, own: Panel, more: Rows) -> Board:
    chosen = f'mode="{mode}"'
    rows = [
        ("Sagas", [_ended(chosen), _open(chosen), _oldest(chosen)]),
        *more,
        ("Steps", [_latency(chosen), _waiting(chosen), _working(chosen)]),
        ("Messages", [own, _way_back(chosen), _trouble(chosen)]),
    ]
    return board(uid, title, question, rows, choose=False)


def _ended(mode: str) -> Panel:
    expr = f"sum by (outcome, reason) (rate(bandstand_orders_ended_total{{{mode}}}[1m]))"
    why = "By outcome, and by reason where there is one."
    return series("Orders ended", "ops", [query(expr, "{{outcome}} {{reason}}")], why, stacked=True)


def _open(mode: str) -> Panel:
    found = [
        query(f"mode:bandstand_sagas_open:max{{{mode}}}", "open"),
        query(f"max(bandstand_sagas_stuck{{{mode}}})", "stuck"),
    ]
    return series("Open sagas", "short", found, "Stuck ones have been asked five times or more.")


def _oldest(mode: str) -> Panel:
    expr = f"mode:bandstand_sagas_oldest_age_seconds:max{{{mode}}}"
    why = "A line that climbs at 45° is one."
    return series("Oldest open saga", "s", [query(expr, "age")], why)


def _deadlines(mode: str, why: str) -> Panel:
    expr = f"sum by (step) (rate(bandstand_deadlines_passed_total{{{mode}}}[1m]))"
    return series("Deadlines passed", "ops", [query(expr, "{{step}}")], why)


def _latency(mode: str) -> Panel:
    name = "bandstand_order_duration_seconds"
    found = [
        query(quantile(each / 100, name, "mode", mode), f"p{each}", exemplars=each == 99)
        for each in (50, 95, 99)
    ]
    why = "From admission to the order's end. A dot, in Grafana, leads to a trace."
    return series("Latency", "s", found, why)


def _waiting(mode: str) -> Panel:
    expr = quantile(0.95, "bandstand_step_queue_seconds", "step", mode)
    why = "From sending to handling, p95: the first to climb names the reader that is behind."
    return series("Waiting by step", "s", [query(expr, "{{step}}")], why)


def _working(mode: str) -> Panel:
    duration = f"rate(bandstand_step_duration_seconds_sum{{{mode}}}[1m])"
    queue = f"rate(bandstand_step_queue_seconds_sum{{{mode}}}[1m])"
    count = f"rate(bandstand_step_duration_seconds_count{{{mode}}}[1m])"
    expr = f"sum by (step) ({duration} - {queue}) / sum by (step) ({count})"
    why = "From handling to commit, mean: third party, decision, transaction."
    return series("Working by step", "s", [query(expr, "{{step}}")], why)


def _published(title: str, mode: str, topics: str, why: str) -> Panel:
    chosen = f'mode="{mode}",topic=~"{topics}"'
    expr = f"sum by (topic) (rate(bandstand_messages_published_total{{{chosen}}}[1m]))"
    return series(title, "ops", [query(expr, "{{topic}}")], why, stacked=True)


def _way_back(mode: str) -> Panel:
    expr = f"sum by (command) (rate(bandstand_compensations_total{{{mode}}}[1m]))"
    found = [query(expr, "{{command}}")]
    why = "Commands handled, also where there was nothing to undo."
    return series("Way back", "ops", found, why, stacked=True)


def _trouble(mode: str) -> Panel:
    faults = f"sum by (fault) (rate(bandstand_faults_total{{{mode}}}[5m]))"
    found = [
        query(f"mode_why:bandstand_retries:rate5m{{{mode}}}", "retry: {{why}}"),
        query(f"mode:bandstand_duplicates_dropped:rate5m{{{mode}}}", "duplicate"),
        query(faults, "injected: {{fault}}"),
    ]
    return series("Trouble", "ops", found, "Nothing here is the good case.")


def _asking(questions: Questions) -> Sequence[Query]:
    return [query(expr, legend) for expr, legend in questions]


def _known_to_the_orchestra() -> Sequence[Panel]:
    why = "The orchestrator knows: one query, and each line is a step by name."
    passed = "By the step whose answer did not come in time."
    return [
        series("What open sagas wait for", "short", _asking(CONDUCTED), why),
        _deadlines('mode="orchestration"', passed),
    ]


def _concluded_by_the_band() -> Sequence[Panel]:
    why = "Nobody knows. Where messages wait and who is away tells it to whoever knows the flow."
    passed = "The order service knows that an order is late, and not what it waits for."
    return [
        series("Where messages wait", "short", _asking(CONCLUDED), why),
        _deadlines('mode="choreography"', passed),
    ]


def _known_to_the_tracker() -> Sequence[Panel]:
    states = 'max by (state) (bandstand_tracked_sagas{mode="choreography"})'
    lag = quantile(0.95, "bandstand_tracker_lag_seconds", "mode", 'mode="choreography"')
    return [
        series(
            "Sagas, as the tracker sees them",
            "short",
            [query(states, "{{state}}")],
            "From the events alone. Held: by a rule. Stuck: silent for longer than its patience.",
        ),
        series(
            "What stuck sagas wait for",
            "short",
            _asking(TRACKED),
            "The event that is missing, by the tracker's own idea of the flow.",
        ),
        series(
            "How late the tracker is",
            "s",
            [query(lag, "p95")],
            "From an event's sending until its state shows it.",
        ),
    ]


ORCHESTRA = _of_mode(
    "orchestra",
    "Orchestra",
    "With a conductor: where do sagas stand, which step is slow, what does the conductor ask for?",
    "orchestration",
    _published(
        "Commands",
        "orchestration",
        ".*[.]commands",
        "What the orchestrator asks for. It is the only one that sends commands.",
    ),
    [("What do they wait for?", _known_to_the_orchestra())],
)
JAZZ_BAND = _of_mode(
    "jazz-band",
    "Jazz band",
    "Without a conductor: where do sagas stand, whom does everybody wait for, who says what?",
    "choreography",
    _published(
        "Events", "choreography", ".*[.]events", "What everybody tells; who listens acts on it."
    ),
    [
        ("What do they wait for?", _concluded_by_the_band()),
        ("The same with a saga-tracker, if one runs", _known_to_the_tracker()),
    ],
)
