"""GET /schema and /docs."""

from __future__ import annotations

import json

import pytest
import yaml
from openapi_spec_validator import validate


def test_tmp(client, db):
    r = client.get("/api/v1/schema")
    open("/tmp/apienv/schema.json", "wb").write(r.content)
    validate(r.json())
    r = client.get("/api/v1/docs")
    print(r.content.decode(), r.headers)
