"""Fault rules as a person writes them, and setting them on running services."""

import re
import time
from collections.abc import Iterable
from datetime import timedelta

import msgspec

from lab.api import Api, ProblemError
from services.kit.faults import DEFAULT_DELAY_MS, Catalogue, Fault, Rule
from services.kit.message import Mode

EXAMPLES = "fail=5%, delay=10%:300ms, crash_after_commit=0.5%@ReserveStock, fail=50%@choreography"
UNAVAILABLE, PATIENCE_SECONDS, AGAIN_SECONDS = 503, 15.0, 0.2
RULE = re.compile(
    r"(?P<fault>[a-z_]+)=(?P<percent>\d+(\.\d+)?)%?"
    r"(:(?P<delay>\d+(\.\d+)?)(?P<unit>ms|s))?"
    r"(@(?P<command>[A-Z][A-Za-z]*))?"
    r"(@(?P<mode>orchestration|choreography))?"
)


def parse_rule(text: str) -> Rule:
    """`fault=percent%[:delay][@Command][@mode]`; ValueError says what is wrong with it."""
    match = RULE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a rule; rules look like {EXAMPLES}")
    fault, percent = match["fault"], float(match["percent"])
    if fault not in set(Fault):
        raise ValueError(f"{fault!r} is not a fault; faults are {', '.join(Fault)}")
    if percent > 100:
        raise ValueError(f"{text!r}: more than 100 %")
    if match["delay"] and fault != Fault.DELAY:
        raise ValueError(f"{text!r}: only delay takes a time")
    mode = Mode(match["mode"]) if match["mode"] else None
    return Rule(Fault(fault), percent, match["command"], _delay_ms(match), mode)


def rule_text(rule: Rule) -> str:
    """The inverse of `parse_rule`."""
    delay = f":{rule.delay_ms}ms" if rule.fault is Fault.DELAY else ""
    command = f"@{rule.command}" if rule.command else ""
    mode = f"@{rule.mode}" if rule.mode else ""
    return f"{rule.fault}={rule.percent:g}%{delay}{command}{mode}"


def _delay_ms(match: re.Match[str]) -> int:
    if not match["delay"]:
        return DEFAULT_DELAY_MS
    seconds = float(match["delay"]) / (1000 if match["unit"] == "ms" else 1)
    return round(timedelta(seconds=seconds) / timedelta(milliseconds=1))


def set_faults(urls: Iterable[str], token: str, catalogue: Catalogue) -> None:
    """On every instance, since each keeps the rules in memory besides its database.

    Whoever first uses a connection that its server did not outlive is told 503, and that nothing
    was changed; asked again, the service has a new one.
    """
    for url in urls:
        with Api(url, token) as api:
            _put(api, catalogue)


def _put(api: Api, catalogue: Catalogue) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            api.put("/faults", catalogue, msgspec.Raw)
            return
        except ProblemError as problem:
            if problem.status != UNAVAILABLE or time.monotonic() > deadline:
                raise
            time.sleep(AGAIN_SECONDS)


def read_faults(url: str) -> Catalogue:
    with Api(url) as api:
        return api.get("/faults", Catalogue)
