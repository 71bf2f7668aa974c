"""What is measured, written for Prometheus: OpenMetrics 1.0, or the text format 0.0.4."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from prometheus_client import exposition
from prometheus_client.core import Metric
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from core.api.negotiation import Offer
from core.metrics import families, latest, totals

logger = logging.getLogger(__name__)

OPENMETRICS = Offer("application/openmetrics-text", version="1.0.0")
TEXT = Offer("text/plain", version="0.0.4")
CONTENT_TYPES = {
    OPENMETRICS: openmetrics.CONTENT_TYPE_LATEST,
    TEXT: exposition.CONTENT_TYPE_PLAIN_0_0_4,
}
# Our names need no escaping; said so, none is looked for, which is most of the time it takes.
UNESCAPED = openmetrics.ALLOWUTF8
WRITERS: dict[Offer, Callable[[Collector], bytes]] = {
    OPENMETRICS: partial(openmetrics.generate_latest, escaping=UNESCAPED),
    TEXT: partial(exposition.generate_latest, escaping=UNESCAPED),
}
SUFFIXES = {
    "counter": ("_total", "_created"),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "info": ("_info",),
}  # which names a family takes beside its own


def written(format: Offer) -> bytes:
    """All of it as it is now, in one of CONTENT_TYPES."""
    return WRITERS[format](_Collected(list(_distinct(_collected()))))


class _Collected(Collector):
    def __init__(self, found: list[Metric]) -> None:
        self._found = found

    def collect(self) -> Iterable[Metric]:
        return self._found


def _collected() -> Iterator[Metric]:
    yield from families.of_instance()
    yield from families.of_totals(totals.read(), latest.exemplars())
    yield from families.of_gauges(latest.gauges())


def _distinct(found: Iterable[Metric]) -> Iterator[Metric]:
    """Without what takes a name that another has: two instruments, such as `jobs` and
    `jobs_total`, can come to the same, and then nothing at all could be read."""
    taken: set[str] = set()
    for family in found:
        names = {family.name + suffix for suffix in ("", *SUFFIXES.get(family.type, ()))}
        if names & taken:
            logger.warning("%s is not exposed: its name is taken", family.name)
            continue
        taken |= names
        yield family
