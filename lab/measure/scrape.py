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


def published(urls: Mapping[str, str], mode: str) -> dict[str, float]:
    """Messages of a mode that each process says it has published so far."""
    return {
        process: sum(
            value
            for series, value in samples.items()
            if series.name == "bandstand_messages_published_total" and series.label("mode") == mode
        )
        for process, samples in scrape(urls).items()
    }
