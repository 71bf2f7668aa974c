"""The schema names the components and tests there are, so a client can't send others."""

from core.health import diagnostics


def test_the_schema_names_what_can_be_diagnosed(client):
    schema = client.get("/api/v1/schema").json()
    body = schema["components"]["schemas"]["DiagnosticsInRequest"]["properties"]
    assert body["components"]["items"]["enum"] == diagnostics.components()
    assert body["tests"]["items"]["enum"] == diagnostics.tests()
