"""Rule sets with their times, and what happened to orders, for the auditor."""

from services.kit.message import Mode, SagaId
from services.policy.audit import audit
from services.policy.evidence import Era, History
from services.policy.rulebook import EXAMPLE
from services.policy.rules import RuleSet, read_rules
from services.policy.steps import PLACED

APPLIED, EVERYWHERE = 100.0, 101.0
POINTS = {"orchestrator": EVERYWHERE, "inventory": EVERYWHERE, "payment": EVERYWHERE}
EVENTS = (
    "StockReserved",
    "PaymentAuthorized",
    "ShipmentArranged",
    "PaymentCaptured",
    "StockShipped",
)
ONE = {"atMost": 1, "windowSeconds": 50}


def an_era(*rules, version=1, at=APPLIED, points=POINTS):
    filled = [
        {"name": f"rule-{n}", "guards": "AuthorizePayment", "effect": "deny", **r}
        for n, r in enumerate(rules)
    ]
    since = {point: each + at - APPLIED for point, each in points.items()}
    return Era(RuleSet(version, read_rules(filled), at), since)


def a_history(mode=Mode.CHOREOGRAPHY, at=200.0, number=1, answers=(), order=EXAMPLE, **events):
    """A confirmed order, a tenth of a second between its events; None leaves one out."""
    told = {PLACED: at} | {kind: at + 0.1 * n for n, kind in enumerate(EVENTS, start=1)}
    told |= {kind: when for kind, when in events.items() if when is not None}
    told = {kind: when for kind, when in told.items() if events.get(kind, when) is not None}
    return History(SagaId(f"order-{number}"), mode, order, told, tuple(answers))


def accused(eras, *histories):
    return [(v.step, v.rule, v.kind, v.version) for v in audit(eras, histories).violations]
