"""The schema asks for the scopes of the contract, operation by operation."""

from __future__ import annotations

import pytest

from tests.contract.loading import operations

BUILT = [
    "get_status", "get_health", "get_components_health", "run_diagnostics",
    "get_config", "update_config", "get_metrics", "get_metrics_summary",
    "get_cache_status", "clear_cache",
    "list_tasks", "get_task", "cancel_task",
    "list_services", "get_service", "restart_service",
]  # fmt: skip


@pytest.mark.parametrize("operation_id", BUILT)
def test_an_operation_is_where_the_contract_says_and_needs_its_scope(client, operation_id):
    operation = operations()[operation_id]
    schema = client.get("/api/v1/schema").json()
    described = schema["paths"]["/api/v1" + operation.path][operation.method.lower()]
    assert described["operationId"] == operation_id
    assert described.get("x-scope") == operation.scope


def test_what_is_served_of_the_contract_is_judged_here(client):
    schema = client.get("/api/v1/schema").json()
    served = {
        operation.id
        for operation in operations().values()
        if operation.method.lower() in schema["paths"].get("/api/v1" + operation.path, {})
    }
    assert served == set(BUILT)
