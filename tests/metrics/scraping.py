"""Scraping as Prometheus does it."""

from __future__ import annotations

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text_format
from prometheus_client.samples import Sample

URL = "/api/v1/metrics/prometheus"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
TEXT = "text/plain; version=0.0.4; charset=utf-8"
# What a Prometheus of version 3 sends.
PROMETHEUS = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PLAIN = "text/plain"

Key = tuple[str, tuple[tuple[str, str], ...]]
Samples = dict[Key, Sample]


def body(api, accept: str = PROMETHEUS) -> str:
    answer = api.get(URL, headers={"Accept": accept})
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == (OPENMETRICS if "openmetrics" in accept else TEXT)
    assert answer["Vary"] == "Accept"
    return answer.content.decode()


def samples(api, accept: str = PROMETHEUS) -> Samples:
    """By name and labels, by way of the parser for the format."""
    parse = openmetrics if "openmetrics" in accept else text_format
    return {
        key(sample.name, **sample.labels): sample
        for family in parse(body(api, accept))
        for sample in family.samples
    }


def key(name: str, **labels: str) -> Key:
    return name, tuple(sorted(labels.items()))
