"""What a running instance exposes: valid, of all its processes, with ids that lead to the log."""

from __future__ import annotations

import httpx
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text_format

from tests.metrics.scraping import OPENMETRICS, TEXT
from tests.stack import Stack
from tests.waiting import until

COUNT = "nexus_http_request_duration_seconds_count"
LABELS = {"method": "GET", "route": "api/v1/metrics/series", "status": "200"}
NAMED = {"X-Request-ID": "scraped-instance"}


def samples(client: httpx.Client, accept: str) -> list:
    answer = client.get("/metrics/prometheus", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (200, accept)
    parse = openmetrics if accept == OPENMETRICS else text_format
    return [sample for family in parse(answer.text) for sample in family.samples]


@pytest.mark.parametrize("accept", [OPENMETRICS, TEXT])
def test_requests_are_counted_and_every_process_has_gauges(stack: Stack, accept):
    def counted() -> float:
        """Requests of tests before this one may still be on their way."""
        return sum(
            each.value
            for each in samples(client, accept)
            if each.name == COUNT and each.labels == LABELS
        )

    def roles() -> set[str]:
        return {
            each.labels["role"]
            for each in samples(client, accept)
            if each.name == "nexus_process_memory_bytes"
        }

    with stack.client() as client:
        before = counted()
        for _ in range(7):
            assert client.get("/metrics/series", headers=NAMED).status_code == 200
        until(lambda: counted() >= before + 7)
        until(lambda: roles() >= {"web", "worker", "beat"})


def test_an_exemplar_has_the_id_of_a_request(stack: Stack):
    def told() -> set[str]:
        return {
            each.exemplar.labels["request_id"]
            for each in samples(client, OPENMETRICS)
            if each.exemplar and LABELS.items() <= each.labels.items()
        }

    def asked_and_told() -> bool:
        client.get("/metrics/series", headers=NAMED)
        return told() == set(NAMED.values())

    with stack.client() as client:
        until(asked_and_told, seconds=90)
