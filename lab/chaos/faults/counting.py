"""What services counted themselves."""

from lab.api import Api
from lab.demo.stage import Stage
from lab.measure.counters import parse
from lab.measure.scrape import instances

DUPLICATES = "bandstand_duplicates_dropped"
LETTERS = "bandstand_dead_letters"


def counted(url: str, counter: str) -> int:
    """By one process, over all labels."""
    with Api(url) as api:
        return int(sum(parse(url, api.text("/metrics"), [counter]).values()))


def counted_by_all(stage: Stage, counter: str) -> int:
    return sum(counted(url, counter) for url in instances(stage.stack).values())
