"""A participant that does what it must not: planted on purpose, and what became of it.

What was done is read from the history alone, so that an auditor that missed something would be
seen to have missed it.
"""

from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager

from lab.demo.stage import Stage
from lab.faults import set_faults
from lab.policy.audit import Denied, acts, audit_stack, denied
from lab.report.model import Misbehaviour
from services.kit.faults import Catalogue, Fault, Rule
from services.policy.evidence import PROCESS, Findings, Kind

MISBEHAVES = "payment"
AUTHORIZED, CAPTURED = "AuthorizePayment", "CapturePayment"


@contextmanager
def misbehaving(stage: Stage, fault: Fault, who: str = MISBEHAVES) -> Iterator[None]:
    """Whatever happens meanwhile, it behaves again afterwards."""
    instances = stage.stack.services[who].instances
    urls, token = [instance.url for instance in instances], stage.stack.token
    set_faults(urls, token, Catalogue(1, (Rule(fault, 100, AUTHORIZED),)))
    try:
        yield
    finally:
        set_faults(urls, token, Catalogue())


def by_old_rules(
    stage: Stage, ids: list[str], rule: str, about: str, known: Set[str]
) -> Misbehaviour:
    """Of orders with `about`, which the rule that payment ignores denies, those without what others
    deny."""
    refused = only_by(rule, denied(stage.database, ids))
    history = [act for act in acts(stage.database, ids) if about in act.skus]
    passed = {act.order_id for act in history if act.authorized and not known & {*act.skus}}
    found = accused(audit_stack(stage.database, ids), rule, AUTHORIZED)
    return became(refused | passed, passed, found)


def unasked(stage: Stage, ids: list[str]) -> Misbehaviour:
    """Payments that payment captured as soon as they were authorized."""
    history = acts(stage.database, ids)
    asked_itself = {act.order_id for act in history if act.authorized}
    early = {act.order_id for act in history if act.captured_early}
    return became(asked_itself, early, accused(audit_stack(stage.database, ids), PROCESS, CAPTURED))


def became(tried: set[str], done: set[str], found: set[str]) -> Misbehaviour:
    """Of what was tried, what was not done was prevented; what was done was found, or was not."""
    return Misbehaviour(
        acts=len(tried),
        prevented=len(tried - done),
        detected=len(done & found),
        undetected=len(done - found),
    )


def only_by(rule: str, refused: Iterable[Denied]) -> set[str]:
    """The orders that no other rule would have stopped."""
    said = list(refused)
    by_others = {each.order_id for each in said if each.rule != rule}
    return {each.order_id for each in said if each.rule == rule} - by_others


def accused(findings: Findings, rule: str, step: str) -> set[str]:
    return {
        each.order_id
        for each in findings.violations
        if each.kind is Kind.BYPASS and (each.rule, each.step) == (rule, step)
    }
