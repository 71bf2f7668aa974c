from __future__ import annotations

import pytest


@pytest.fixture
def post(client):
    """POST raw bytes as JSON to the echo."""

    def send(body: bytes, content_type: str = "application/json", **headers):
        return client.post("/api/echo", body, content_type=content_type, headers=headers)

    return send
