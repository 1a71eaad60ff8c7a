"""What do open sagas wait for? The queries that it takes to know, each with its legend: with a
conductor, without one, and without one but with a saga-tracker. Where nobody knows, one looks where
messages wait and where processes fail, and concludes."""

from collections.abc import Mapping, Sequence

Questions = Sequence[tuple[str, str]]

_JAZZ = 'mode="choreography"'
_RETRIES = f"rate(bandstand_retries_total{{{_JAZZ}}}[1m])"

CONDUCTED: Questions = [
    ('max by (step) (bandstand_sagas_waiting{mode="orchestration"})', "{{step}}"),
]
TRACKED: Questions = [
    (f"max by (event) (bandstand_tracked_sagas_waiting{{{_JAZZ}}})", "{{event}}"),
]
CONCLUDED: Questions = [
    (f"sum by (group) (bandstand_consumer_lag_messages{{{_JAZZ}}})", "unread: {{group}}"),
    ("max by (service) (bandstand_outbox_pending)", "unsent: {{service}}"),
    ("max by (service) (bandstand_parked_messages)", "put off: {{service}}"),
    (f"sum by (service, why) ({_RETRIES})", "tried again: {{service}} {{why}}"),
    ('1 - min by (service) (up{job="bandstand"})', "away: {{service}}"),
]

NEEDED: Mapping[str, int] = {
    "choreography": len(CONCLUDED),
    "choreography, with a tracker": len(TRACKED),
    "orchestration": len(CONDUCTED),
}
