"""What do open sagas wait for? The queries that it takes to know, with a conductor, without one,
and without one but with a saga-tracker. Where nobody knows, one looks where messages wait and where
processes fail, and concludes."""

from collections.abc import Mapping, Sequence

from observability.dashboards.panel import Query, query

ORCHESTRATION = "orchestration"
CHOREOGRAPHY = "choreography"
TRACKED = "choreography, with a tracker"

_JAZZ = 'mode="choreography"'


def conducted() -> Sequence[Query]:
    return [query('max by (step) (bandstand_sagas_waiting{mode="orchestration"})', "{{step}}")]


def tracked() -> Sequence[Query]:
    expr = f"max by (event) (bandstand_tracked_sagas_waiting{{{_JAZZ}}})"
    return [query(expr, "{{event}}")]


def concluded() -> Sequence[Query]:
    """Each of them has to be empty before the next one means anything."""
    retries = f"rate(bandstand_retries_total{{{_JAZZ}}}[1m])"
    return [
        query(f"sum by (group) (bandstand_consumer_lag_messages{{{_JAZZ}}})", "unread: {{group}}"),
        query("sum by (service) (bandstand_outbox_pending)", "unsent: {{service}}"),
        query("sum by (service) (bandstand_parked_messages)", "put off: {{service}}"),
        query(f"sum by (service, why) ({retries})", "tried again: {{service}} {{why}}"),
        query('1 - min by (service) (up{job="bandstand"})', "away: {{service}}"),
    ]


def needed() -> Mapping[str, int]:
    """How many queries answer the question."""
    return {
        CHOREOGRAPHY: len(concluded()),
        TRACKED: len(tracked()),
        ORCHESTRATION: len(conducted()),
    }
