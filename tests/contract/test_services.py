"""list_services and get_service: real services, looked at by the running instance."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.contract.test_operations import OPERATIONS, data_of, fits
from tests.waiting import until

STATUSES = {"running", "stopped", "starting", "restarting", "failed", "unknown"}
HEALTH = {"healthy", "degraded", "unhealthy", "unknown"}
NOBODY = {"type": "tcp", "host": "127.0.0.1", "port": 1, "interval": 1, "failure_threshold": 1}


@pytest.fixture(scope="module")
def chain(api: httpx.Client) -> Iterator[str]:
    """The name of a service that doesn't answer, with one that it needs and one that needs it."""
    names = ["contract-store", "contract-shop", "contract-site"]
    for name, needed in zip(names, [None, *names], strict=False):
        document = {
            "name": name, "type": "Shop", "probe": NOBODY, "config": {"pool_size": 20},
            "dependencies": [needed] if needed else [],
        }  # fmt: skip
        answer = api.post("/services", json=document)
        assert answer.status_code == 201, answer.text
        assert answer.headers["location"] == f"/api/v1/services/{name}"
    until(lambda: shown(api, names[1])["recent_errors"], seconds=60)  # its worker may just begin
    yield names[1]
    for name in reversed(names):
        assert api.delete(f"/services/{name}").status_code == 204


def shown(api: httpx.Client, name: str) -> dict:
    return data_of(api.get(f"/services/{name}"), OPERATIONS["get_service"])


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_list_of_services_fits(api, chain, slash):
    operation = OPERATIONS["list_services"]
    answer = api.get("/services" + slash)
    assert answer.status_code == 200
    data = data_of(answer, operation)
    fits(operation, data, may_be_empty=frozenset({"services[].dependencies"}))
    names = [each["name"] for each in data["services"]]
    assert names == sorted(names)
    assert {"limit", "next", "previous"} <= set(data["pagination"])
    for each in data["services"]:
        assert (each["status"] in STATUSES, each["health"] in HEALTH) == (True, True)
        assert each["metrics"]["uptime"] >= 0


def test_the_list_of_services_can_be_filtered(api, chain):
    until(lambda: shown(api, chain)["health"] == "unhealthy", seconds=60)
    query = {"health": "unhealthy", "status": shown(api, chain)["status"], "type": "Shop"}
    found = data_of(api.get("/services", params=query), OPERATIONS["list_services"])["services"]
    assert chain in {each["name"] for each in found}
    assert all(each["health"] == "unhealthy" for each in found)


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_service_fits(api, chain, slash):
    operation = OPERATIONS["get_service"]
    answer = api.get(f"/services/{chain}{slash}")
    assert answer.status_code == 200
    data = data_of(answer, operation)
    fits(operation, data)
    assert (data["dependencies"], data["dependents"]) == (["contract-store"], ["contract-site"])
    assert data["config"] == {"pool_size": 20}
    assert 0 <= data["metrics"]["error_rate"] <= 1
    assert data["recent_errors"][0]["count"] >= 1
