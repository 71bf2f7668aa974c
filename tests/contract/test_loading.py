"""The copy of the contract in the repository is the contract."""

from tests.contract.loading import COPY, SHARED, document, operations


def test_the_copy_equals_the_shared_contract_where_there_is_one():
    shared = SHARED if SHARED.exists() else COPY
    assert document(COPY) == document(shared)


def test_every_operation_is_loaded_with_what_its_response_may_hold():
    loaded = operations()
    assert len(loaded) == len(document()["operations"]) >= 22
    assert loaded["get_health"].enveloped is False
    assert loaded["get_health"].scope is None
    assert "tasks[].result" in loaded["list_tasks"].nullable
    assert "tasks[].details" in loaded["list_tasks"].open_maps
    assert loaded["run_diagnostics"].free == {"results[].tests[].details"}
