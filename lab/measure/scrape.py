"""Reads every process's counters once."""

from collections.abc import Mapping

from lab.api import Api
from lab.errors import NotReadyError
from lab.measure.counters import Series, parse
from lab.stack.state import Stack


def instances(stack: Stack) -> dict[str, str]:
    """Every service process of the stack, with its URL."""
    return {
        instance.name: instance.url
        for service in stack.services.values()
        for instance in service.instances
    }


def scrape(urls: Mapping[str, str]) -> dict[str, dict[Series, float]]:
    """By process; one that is just being restarted is left out."""
    found = {}
    for process, url in urls.items():
        try:
            with Api(url) as api:
                found[process] = parse(process, api.text("/metrics"))
        except NotReadyError:
            continue
    return found
